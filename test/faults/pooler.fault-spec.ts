import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { LiveReader } from '../e2e/live-reader.ts';
import { Load } from '../support/load.ts';
import { NO_PGBOUNCER, startPooler } from '../support/pgbouncer.ts';
import { createEmptyDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { faultySystem } from './faulty-system.ts';
import { disagreements } from './load-audit.ts';

const CLIENTS = 4;
const SERVED_MIN = 60;
/** Fewer than two bridges have connections, so that they get each other's all the time. */
const POOL_SIZE = 3;
const SETTINGS = ['lock_timeout', 'statement_timeout', 'work_mem', 'TimeZone', 'jit'];

test('two bridges behind a pooler in transaction mode lose nothing, hear each other, and leave no setting behind', async ({
  skip,
}) => {
  skip(NO_PGBOUNCER !== undefined, NO_PGBOUNCER);
  const database = await createEmptyDatabase();
  onTestFinished(() => database.drop());
  const pooler = await startPooler(database.url, POOL_SIZE);
  onTestFinished(() => pooler.stop());
  const system = await faultySystem(database.url);
  onTestFinished(() => system.remove());
  const env = { DATABASE_URL: pooler.url, AIBRIDGE_DATABASE_DIRECT_URL: database.url };
  const bridges = await Promise.all([1, 2].map(() => system.startBridge({ env })));
  const [one, other] = bridges;
  if (one === undefined || other === undefined) throw new Error('two bridges');
  await Promise.all(bridges.map((each) => each.log(({ msg }) => msg === 'the database is ready')));

  // What ends on one is seen on the other.
  const tail = await LiveReader.open(other.url);
  const load = new Load(one.url, { round: 'pooled', clients: CLIENTS });
  await until('load', () => (load.served.length > SERVED_MIN ? true : undefined), 60_000);
  const served = await load.stop();
  await tail.has(served.length);
  tail.leave();

  for (const path of [
    '/interceptions?count=true',
    '/sessions',
    '/usage',
    '/interceptions/export',
  ]) {
    const answer = await fetch(`${other.url}/api/v1${path}`);
    expect(`${path} ${answer.status}`).toBe(`${path} 200`);
    expect(await answer.text()).not.toBe('');
  }
  expect(await disagreements(system.tables, served, system.simulator.calls)).toEqual([]);
  expect(await settingsBehind(pooler.url)).toEqual(await settingsBehind(database.url));
  expect(await Promise.all(bridges.map((each) => each.stop()))).toEqual([0, 0]);
  for (const bridge of bridges) {
    expect(bridge.logs.filter(({ level }) => level === 'error')).toEqual([]);
  }
}, 120_000);

/** As one who asks finds them: on every connection that the pooler has. */
async function settingsBehind(url: string): Promise<string[]> {
  const found = new Set<string>();
  const clients = Array.from({ length: POOL_SIZE }, () => new Client({ connectionString: url }));
  await Promise.all(clients.map((client) => client.connect()));
  // In transactions that are open at once, each on a connection of its own.
  await Promise.all(clients.map((client) => client.query('BEGIN')));
  for (const client of clients) {
    for (const name of SETTINGS) {
      const { rows } = await client.query<Record<string, string>>(`SHOW ${name}`);
      found.add(`${name} ${Object.values(rows[0] ?? {}).join()}`);
    }
  }
  await Promise.all(clients.map((client) => client.query('ROLLBACK')));
  await Promise.all(clients.map((client) => client.end()));
  return [...found].toSorted((a, b) => a.localeCompare(b));
}
