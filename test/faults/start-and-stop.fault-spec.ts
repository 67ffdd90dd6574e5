import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { CuttableProxy } from '../support/cuttable-proxy.ts';
import { OwnPostgres } from '../support/own-postgres.ts';
import { createDatabaseIn, type TestDatabase } from '../support/postgres.ts';
import { ask, askTimes, readiness, type Answered } from './blocking-call.ts';
import { faultySystem, type FaultySystem } from './faulty-system.ts';
import { journalsIn } from './journal-files.ts';

/** What orchestrators give a process before they kill it. */
const STOP_MS_MAX = 30_000;

async function completedCount(system: FaultySystem, answers: readonly Answered[]): Promise<number> {
  const rows = await system.tables.rows(
    `SELECT id FROM interceptions WHERE id = ANY ($1) AND status = 'completed'`,
    [answers.map(({ id }) => id)],
  );
  return rows.length;
}

describe('a database that is not in UTF-8', () => {
  let system: FaultySystem;
  let other: TestDatabase;

  beforeEach(async () => {
    [system, other] = await Promise.all([faultySystem(), createDatabaseIn('LATIN1')]);
    onTestFinished(async () => {
      await system.remove();
      await other.drop();
    });
  });

  test('is refused at the start, with a word of what to do', async () => {
    const bridge = await system.startBridge({ env: { DATABASE_URL: other.url } });
    expect(await bridge.exited()).toBe(1);
    expect(bridge.logs.find(({ level }) => level === 'error')).toMatchObject({
      msg: 'the bridge could not start',
      reason: expect.stringContaining('CREATE DATABASE <name>'),
    });
    expect(bridge.otherOutput).toEqual([]);
  });

  test('is waited for by a bridge that was at work before it was found', async () => {
    const way = await CuttableProxy.start(other.url);
    onTestFinished(() => way.cut());
    await way.cut();
    const bridge = await system.startBridge({ env: { DATABASE_URL: way.url } });
    await bridge.log(({ msg }) => msg.includes('the database is not available'));
    await way.mend();
    await bridge.log(({ msg }) => msg.includes('has to be UTF8'));
    expect((await ask(bridge.url)).status).toBe(200);
    expect(await bridge.stop()).toBe(0);
  });
});

describe('while the database is away', () => {
  let system: FaultySystem;
  let way: CuttableProxy;

  beforeEach(async () => {
    system = await faultySystem();
    way = await CuttableProxy.start(system.databaseUrl);
    await way.cut();
    onTestFinished(async () => {
      await system.remove();
      await way.cut();
    });
  });

  test('a bridge that starts serves at once, and its records appear when the database does', async () => {
    const bridge = await system.startBridge({ env: { DATABASE_URL: way.url } });
    expect(await readiness(bridge.url)).toMatchObject({ status: 200 });
    const answers = await askTimes(5, bridge.url);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);

    await way.mend();
    await expect.poll(() => completedCount(system, answers)).toBe(5);
    expect(await bridge.stop()).toBe(0);
    expect(await journalsIn(system.dataDir)).toEqual([]);
  }, 60_000);

  test.each([1, 2])(
    'after %d signal(s) what was journaled is recorded by the next bridge',
    async (signals) => {
      const bridge = await system.startBridge({ env: { DATABASE_URL: way.url } });
      const answers = await askTimes(5, bridge.url);
      for (let sent = 0; sent < signals; sent += 1) bridge.signal('SIGTERM');
      await bridge.exited();

      const successor = await system.startBridge();
      await expect.poll(() => completedCount(system, answers)).toBe(5);
      expect(await successor.stop()).toBe(0);
      expect(await journalsIn(system.dataDir)).toEqual([]);
    },
    60_000,
  );
});

test('a bridge that stops leaves no journal and no sign of life when all is recorded', async () => {
  const system = await faultySystem();
  onTestFinished(() => system.remove());
  const bridge = await system.startBridge();
  const answers = await askTimes(20, bridge.url);

  expect(await bridge.stop()).toBe(0);
  expect(await completedCount(system, answers)).toBe(20);
  expect(await journalsIn(system.dataDir)).toEqual([]);
  expect(await system.tables.rows('SELECT id FROM instances')).toEqual([]);
});

test('a database that is frozen does not keep a bridge from stopping in time, nor a record from being kept', async () => {
  const postgres = await OwnPostgres.start();
  onTestFinished(() => postgres.remove());
  const system = await faultySystem(postgres.url);
  onTestFinished(() => system.remove());
  const bridge = await system.startBridge();
  await bridge.log(({ msg }) => msg === 'the database is ready');
  const first = await ask(bridge.url);
  await expect.poll(() => completedCount(system, [first])).toBe(1);
  await postgres.freeze();
  const answers = await askTimes(5, bridge.url);
  const beganMs = performance.now();
  expect(await bridge.stop()).toBe(0);
  expect(performance.now() - beganMs).toBeLessThan(STOP_MS_MAX);

  postgres.thaw();
  const successor = await system.startBridge();
  await expect.poll(() => completedCount(system, answers)).toBe(5);
  expect(await successor.stop()).toBe(0);
}, 90_000);
