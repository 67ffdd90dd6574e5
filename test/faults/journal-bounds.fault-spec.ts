import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Bridge } from '../support/bridge.ts';
import { CuttableProxy } from '../support/cuttable-proxy.ts';
import { until } from '../support/until.ts';
import { metric } from './audit-programs.ts';
import { ask, readiness, type Answered } from './blocking-call.ts';
import { faultySystem, type FaultySystem } from './faulty-system.ts';
import { orphansAreGone } from './journal-files.ts';

const MIB = 1024 * 1024;
const KILLS = 4;
const CALLS_MAX = 40;
const LONG_PROMPT = 'fill it up. '.repeat(8_000);
/** The reserve, a segment that is stored already, and one write; or a record that is larger. */
const MARGIN = 3 / 8 + LONG_PROMPT.length / MIB;

interface Setting {
  readonly system: FaultySystem;
  readonly way: CuttableProxy;
  readonly start: () => Promise<Bridge>;
}

/** The database is away, and the journal may be a mebibyte. */
async function withoutDatabase(onFailure: string): Promise<Setting> {
  const system = await faultySystem();
  const way = await CuttableProxy.start(system.databaseUrl);
  onTestFinished(async () => {
    await system.remove();
    await way.cut();
  });
  await way.cut();
  const env = {
    DATABASE_URL: way.url,
    AIBRIDGE_JOURNAL_MAX: '1MiB',
    AIBRIDGE_AUDIT_ON_FAILURE: onFailure,
  };
  return { system, way, start: () => system.startBridge({ env }) };
}

test('refuse: however often it is killed, all journals together keep to the limit; the lag is seen, and ends', async () => {
  const { system, way, start } = await withoutDatabase('refuse');
  const served: Answered[] = [];
  for (let killed = 0; killed < KILLS; killed += 1) {
    const bridge = await start();
    const answers = await askUntilFull(bridge);
    expect(answers.length > 0).toBe(killed === 0);
    served.push(...answers);
    expect(await readiness(bridge.url)).toMatchObject({ reasons: ['journal full'] });
    await bridge.kill();
    expect(await bytesIn(system.dataDir)).toBeLessThan(MIB * (1 + MARGIN));
  }

  const bridge = await start();
  expect(await metric(bridge.url, 'journal_bytes')).toBeGreaterThan(MIB);
  await expect.poll(() => metric(bridge.url, 'journal_lag_records')).toBeGreaterThan(served.length);
  expect(await metric(bridge.url, 'journal_lag_seconds')).toBeGreaterThan(0);
  expect(await ask(bridge.url)).toMatchObject({ status: 503, error: 'audit_unavailable' });

  await way.mend();
  await orphansAreGone(system.dataDir);
  await until('there is room', async () =>
    (await readiness(bridge.url)).status === 200 ? true : undefined,
  );
  await expect.poll(() => metric(bridge.url, 'journal_lag_records')).toBe(0);
  await expect.poll(() => metric(bridge.url, 'journal_lag_seconds')).toBe(0);
  served.push(await ask(bridge.url));
  for (const { id } of served) {
    expect(await system.tables.ended(id)).toMatchObject({ status: 'completed' });
  }
  expect(await bridge.stop()).toBe(0);
}, 120_000);

test('continue: calls are served and counted as lost, and the disk is not filled either', async () => {
  const { system, way, start } = await withoutDatabase('continue');
  const lost: number[] = [];
  for (let killed = 0; killed < KILLS; killed += 1) {
    const bridge = await start();
    for (let asked = 0; asked < 15; asked += 1) {
      expect(await ask(bridge.url, LONG_PROMPT)).toMatchObject({ status: 200 });
    }
    lost.push(await metric(bridge.url, 'records_lost_total'));
    await bridge.kill();
    expect(await bytesIn(system.dataDir)).toBeLessThan(MIB * (1 + MARGIN));
  }
  expect(lost[0]).toBeGreaterThan(0);
  expect(lost.slice(1)).toEqual([15, 15, 15]);
  await way.mend();
  const bridge = await start();
  await orphansAreGone(system.dataDir);
  await until('there is room', async () =>
    (await readiness(bridge.url)).status === 200 ? true : undefined,
  );
  const { id } = await ask(bridge.url);
  expect(await system.tables.ended(id)).toMatchObject({ status: 'completed' });
  expect(await bridge.stop()).toBe(0);
}, 120_000);

/** Those that were served before one was refused. */
async function askUntilFull(bridge: Bridge): Promise<Answered[]> {
  const answers: Answered[] = [];
  while (answers.length < CALLS_MAX) {
    const answered = await ask(bridge.url, LONG_PROMPT);
    if (answered.status !== 200) return answers;
    answers.push(answered);
  }
  throw new Error(`after ${CALLS_MAX} calls there is still room`);
}

async function bytesIn(dataDir: string): Promise<number> {
  const root = path.join(dataDir, 'journal');
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = files.map(async ({ parentPath, name }) => {
    const { size } = await stat(path.join(parentPath, name));
    return size;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
