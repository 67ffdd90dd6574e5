import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { shortOrLong } from '../support/fault-length.ts';
import { Load, median, type Served } from '../support/load.ts';
import { OwnPostgres } from '../support/own-postgres.ts';
import { residentMiB } from '../support/system.ts';
import { until } from '../support/until.ts';
import { faultySystem, type FaultySystem } from './faulty-system.ts';
import { disagreements } from './load-audit.ts';

const OUTAGE_MS = shortOrLong(6_000, 60_000);
const CALM_MS = shortOrLong(3_000, 10_000);
const CLIENTS = 8;
/** Generous, as it is to tell waiting for the database from anything else. */
const RATIO_MAX = 3;
const STALL_MS = 3_000;
const GROWTH_MIB_MAX = 150;

const OUTAGES = [
  ['stopped', (it: OwnPostgres) => it.stop(), (it: OwnPostgres) => it.startAgain()],
  ['frozen', (it: OwnPostgres) => it.freeze(), (it: OwnPostgres) => it.thaw()],
] as const;

test.each(OUTAGES)(
  `PostgreSQL is %s for ${OUTAGE_MS / 1000} s under load: nobody notices, and nothing is missing`,
  async (_, begin, end) => {
    const postgres = await OwnPostgres.start();
    onTestFinished(() => postgres.remove());
    const system = await faultySystem(postgres.url);
    onTestFinished(() => system.remove());
    const bridge = await system.startBridge();
    await bridge.log(({ msg }) => msg === 'the database is ready');

    const before = await loadFor(CALM_MS, bridge.url, 'before');
    const memoryBefore = await residentMiB(bridge.pid);
    await begin(postgres);
    const during = await loadFor(OUTAGE_MS, bridge.url, 'during');
    await end(postgres);
    const growth = (await residentMiB(bridge.pid)) - memoryBefore;
    const after = await loadFor(CALM_MS, bridge.url, 'after');

    const served = [...before, ...during, ...after];
    expect(served.filter(failed)).toEqual([]);
    expect(medianMs(during) / medianMs(before)).toBeLessThan(RATIO_MAX);
    expect(Math.max(...during.map(({ durationMs }) => durationMs))).toBeLessThan(STALL_MS);
    expect(growth).toBeLessThan(GROWTH_MIB_MAX);
    await allRecorded(system, served.length);
    expect(await disagreements(system.tables, served, system.simulator.calls)).toEqual([]);
    expect(await bridge.stop()).toBe(0);
    expect(bridge.otherOutput).toEqual([]);
  },
  OUTAGE_MS + 2 * CALM_MS + 90_000,
);

async function loadFor(ms: number, url: string, round: string): Promise<readonly Served[]> {
  const load = new Load(url, { round, clients: CLIENTS });
  await delay(ms);
  return load.stop();
}

function failed({ status, isWhole, kind }: Served): boolean {
  return status !== 200 || !(isWhole || kind === 'leaver');
}

function medianMs(served: readonly Served[]): number {
  return median(served.filter(({ kind }) => kind !== 'leaver').map(({ durationMs }) => durationMs));
}

async function allRecorded({ tables }: FaultySystem, count: number): Promise<void> {
  await until(
    `${count} records`,
    async () => {
      const [row] = await tables.rows(
        `SELECT count(*)::int AS ended FROM interceptions
         WHERE user_agent LIKE 'load/%' AND status <> 'in_progress'`,
      );
      return row?.['ended'] === count ? true : undefined;
    },
    30_000,
  );
}
