import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { CuttableProxy } from '../support/cuttable-proxy.ts';
import { shortOrLong } from '../support/fault-length.ts';
import { Load } from '../support/load.ts';
import { NO_STANDBY, streamingPair, type SystemPostgres } from '../support/streaming-pair.ts';
import { until } from '../support/until.ts';
import { faultySystem } from './faulty-system.ts';
import { journalsIn } from './journal-files.ts';
import { disagreements } from './load-audit.ts';

const CLIENTS = 6;
const LAG_MS = shortOrLong(3_000, 20_000);
const CALM_MS = shortOrLong(2_000, 5_000);
const PATIENCE_MS = 60_000;

test(
  `PostgreSQL fails over under load to a standby that is ${LAG_MS / 1000} s behind: nothing is missing, or counted twice`,
  async ({ skip }) => {
    skip(NO_STANDBY !== undefined, NO_STANDBY);
    const pair = await streamingPair();
    onTestFinished(() => pair.remove());
    const address = await CuttableProxy.start(pair.primary.url);
    onTestFinished(() => address.cut());
    const system = await faultySystem(address.url);
    onTestFinished(() => system.remove());
    const bridge = await system.startBridge();
    await bridge.log(({ msg }) => msg === 'the database is ready');

    const load = new Load(bridge.url, { round: 'failover', clients: CLIENTS });
    await until('the standby has records', async () => (await endedIn(pair.standby)) || undefined);
    await pair.way.cut();
    await delay(LAG_MS);
    const lost = (await endedIn(pair.primary)) - (await endedIn(pair.standby));
    expect(lost).toBeGreaterThan(0);
    await address.cut();
    await pair.primary.kill();
    await pair.standby.query('SELECT pg_promote(true, 30)');
    address.turnTo(pair.standby.url);
    await address.mend();
    await delay(CALM_MS);
    const served = await load.stop();

    const count = async () => ((await endedIn(pair.standby)) === served.length ? true : undefined);
    await until(`${served.length} records`, count, PATIENCE_MS);
    expect(await disagreements(system.tables, served, system.simulator.calls)).toEqual([]);
    const [totals] = await pair.standby.query(
      `SELECT sum(interceptions)::int AS ended FROM (
         SELECT interceptions FROM usage_totals WHERE grain = 'month' AND initiator_id = ''
         UNION ALL SELECT interceptions FROM usage_deltas) AS counted`,
    );
    expect(totals).toEqual({ ended: served.length });
    await bridge.log(({ msg }) => msg.startsWith('the database came back without records'));
    expect(bridge.logs.filter(({ level }) => level === 'error')).toEqual([]);
    expect(await bridge.stop()).toBe(0);
  },
  LAG_MS + CALM_MS + 2 * PATIENCE_MS,
);

// Nothing that is to be stored finds out: the journal is looked after all the same.
test('a fail-over that loses the last records is found out though nobody asks for anything after', async ({
  skip,
}) => {
  skip(NO_STANDBY !== undefined, NO_STANDBY);
  const pair = await streamingPair();
  onTestFinished(() => pair.remove());
  const address = await CuttableProxy.start(pair.primary.url);
  onTestFinished(() => address.cut());
  const system = await faultySystem(address.url);
  onTestFinished(() => system.remove());
  // So that its segments are small, and what was committed lies in more than the last of them.
  const bridge = await system.startBridge({ env: { AIBRIDGE_JOURNAL_MAX: '1MiB' } });
  await bridge.log(({ msg }) => msg === 'the database is ready');
  const schema = `SELECT to_regclass('interceptions') IS NOT NULL AS there`;
  await until('the standby has the schema', async () => {
    const [row] = await pair.standby.query(schema);
    return row?.['there'] === true ? true : undefined;
  });
  await pair.way.cut();

  const load = new Load(bridge.url, { round: 'last', clients: 2 });
  await until('some are served', () => (load.served.length > 100 ? true : undefined));
  const served = await load.stop();
  const all = (on: SystemPostgres) => async () =>
    (await endedIn(on)) === served.length ? true : undefined;
  await until('all is stored', all(pair.primary));
  const [journal = ''] = await journalsIn(system.dataDir);
  const segments = (await readdir(journal)).filter((name) => name.endsWith('.log'));
  expect(segments.length).toBeGreaterThan(1);
  expect(await endedIn(pair.standby)).toBe(0);
  await address.cut();
  await pair.primary.kill();
  await pair.standby.query('SELECT pg_promote(true, 30)');
  address.turnTo(pair.standby.url);
  await address.mend();

  await until('all is stored again', all(pair.standby), PATIENCE_MS);
  expect(await disagreements(system.tables, served, system.simulator.calls)).toEqual([]);
}, 120_000);

/** How much of a load is on record; 0 also where there is no table yet. */
async function endedIn(server: SystemPostgres): Promise<number> {
  const [table] = await server.query(`SELECT to_regclass('interceptions') IS NOT NULL AS there`);
  if (table?.['there'] !== true) return 0;
  const [row] = await server.query(
    `SELECT count(*)::int AS ended FROM interceptions
     WHERE user_agent LIKE 'load/%' AND status <> 'in_progress'`,
  );
  return Number(row?.['ended']);
}
