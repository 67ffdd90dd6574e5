import { execFile } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test, type TestContext } from 'vitest';
import type { Bridge } from '../support/bridge.ts';
import { CuttableProxy } from '../support/cuttable-proxy.ts';
import { temporaryDataDir } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { ask, readiness, type Answered } from './blocking-call.ts';
import { faultySystem, type BridgeOptions, type FaultySystem } from './faulty-system.ts';
import { holdStream } from './held-stream.ts';

const run = promisify(execFile);
const KIB = 1024;
const TRIES_MAX = 100;
/** So that it fills whatever room is left soon. */
const LONG_PROMPT = 'fill it up. '.repeat(8_000);

/** A journal that will have no room from `fill` on, until `free`. */
interface Shortage {
  readonly system: FaultySystem;
  readonly bridge: BridgeOptions;
  readonly reason: string;
  fill(): Promise<void>;
  free(): Promise<void>;
}

/** Something else takes all of the disk that the journal is on. */
async function fullDisk({ skip }: TestContext): Promise<Shortage> {
  const dataDir = await temporaryDataDir();
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', dataDir]);
  } catch {
    await rm(dataDir, { recursive: true });
    return skip('a file system of its own cannot be mounted here');
  }
  const system = await faultySystem();
  onTestFinished(async () => {
    await system.remove();
    await run('umount', [dataDir]);
    await rm(dataDir, { recursive: true });
  });
  const ballast = path.join(dataDir, 'ballast');
  return {
    system,
    bridge: { dataDir },
    reason: 'journal cannot be written',
    async fill() {
      const file = await open(ballast, 'w');
      const write = (): Promise<unknown> => file.write(Buffer.alloc(4 * KIB));
      await expect(async () => {
        for (;;) await write();
      }).rejects.toThrow('ENOSPC');
      await file.close();
    },
    free: () => rm(ballast),
  };
}

/** The database is away for longer than the journal has room for. */
async function limitReached(): Promise<Shortage> {
  const system = await faultySystem();
  const way = await CuttableProxy.start(system.databaseUrl);
  onTestFinished(async () => {
    await system.remove();
    await way.cut();
  });
  return {
    system,
    bridge: { env: { DATABASE_URL: way.url, AIBRIDGE_JOURNAL_MAX: '1MiB' } },
    reason: 'journal full',
    fill: () => way.cut(),
    free: () => way.mend(),
  };
}

const SHORTAGES = [
  ['the disk of the journal is full', fullDisk],
  ['the journal has reached AIBRIDGE_JOURNAL_MAX', limitReached],
] as const;

describe.each(SHORTAGES)('%s', (_, cause) => {
  test('refuse: no audit, no call; what had started ends well; room returns without a restart', async (context) => {
    const shortage = await cause(context);
    const { system } = shortage;
    const bridge = await system.startBridge(shortage.bridge);
    const held = await holdStream(system.simulator, bridge.url);
    await shortage.fill();
    const served = await askUntil(bridge, ({ status }) => status !== 200);

    const callCount = system.simulator.calls.length;
    const refused = await ask(bridge.url);
    expect(refused).toMatchObject({
      status: 503,
      error: 'audit_unavailable',
      body: { type: 'error', error: { type: expect.any(String), message: expect.any(String) } },
    });
    expect(system.simulator.calls).toHaveLength(callCount);
    expect(await readiness(bridge.url)).toEqual({ status: 503, reasons: [shortage.reason] });
    expect(await held.finish()).toMatchObject({ status: 200, isWhole: true });

    await shortage.free();
    await isReady(bridge);
    const after = await ask(bridge.url);
    expect(after.status).toBe(200);
    for (const { id } of [...served, after]) {
      expect(await system.tables.ended(id)).toMatchObject({ status: 'completed' });
      expect(await system.tables.children('prompts', id)).toHaveLength(1);
    }
    await expectCompleted(system, held.name);
    expect(await recorded(system, refused.id)).toBe(false);
    expect(await bridge.stop()).toBe(0);
  }, 60_000);

  test('continue: calls are served, and counted as lost', async (context) => {
    const shortage = await cause(context);
    const { system } = shortage;
    const env = { ...shortage.bridge.env, AIBRIDGE_AUDIT_ON_FAILURE: 'continue' };
    const bridge = await system.startBridge({ ...shortage.bridge, env });
    const held = await holdStream(system.simulator, bridge.url);
    await shortage.fill();
    const isFull = async (): Promise<boolean> => (await readiness(bridge.url)).status === 503;
    const served = await askUntil(bridge, isFull);
    for (let more = 0; more < 3; more += 1) served.push(await ask(bridge.url));
    expect(served.every(({ status }) => status === 200)).toBe(true);
    expect(await held.finish()).toMatchObject({ status: 200, isWhole: true });

    await shortage.free();
    await isReady(bridge);
    const after = await ask(bridge.url);
    await system.tables.ended(after.id);
    await expectCompleted(system, held.name);
    const found = await Promise.all(served.map(({ id }) => recorded(system, id)));
    const lostCount = found.filter((isRecorded) => !isRecorded).length;
    expect(lostCount).toBeGreaterThanOrEqual(3);
    expect(await lostRecords(bridge)).toBe(lostCount);
    expect(await bridge.stop()).toBe(0);
  }, 60_000);
});

/** Asks until the answer is such, which is left out. */
async function askUntil(
  bridge: Bridge,
  isEnough: (answered: Answered) => boolean | Promise<boolean>,
): Promise<Answered[]> {
  const answers: Answered[] = [];
  while (answers.length < TRIES_MAX) {
    const answered = await ask(bridge.url, LONG_PROMPT);
    if (await isEnough(answered)) return answered.status === 200 ? [...answers, answered] : answers;
    answers.push(answered);
  }
  throw new Error(`after ${TRIES_MAX} calls there is still room`);
}

function isReady(bridge: Bridge): Promise<true> {
  return until(
    'the bridge is ready again',
    async () => ((await readiness(bridge.url)).status === 200 ? true : undefined),
    30_000,
  );
}

async function expectCompleted({ tables }: FaultySystem, name: string): Promise<void> {
  await expect
    .poll(() => tables.rows('SELECT status FROM interceptions WHERE user_agent = $1', [name]))
    .toEqual([{ status: 'completed' }]);
}

async function recorded({ tables }: FaultySystem, id: string): Promise<boolean> {
  return (await tables.rows('SELECT 1 FROM interceptions WHERE id = $1', [id])).length > 0;
}

async function lostRecords(bridge: Bridge): Promise<number> {
  const metrics = await (await fetch(`${bridge.url}/metrics`)).text();
  return Number(/^aibridge_records_lost_total(?:\{.*\})? (\d+)/m.exec(metrics)?.[1]);
}
