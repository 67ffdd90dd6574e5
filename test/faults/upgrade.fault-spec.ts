import { expect, onTestFinished, test } from 'vitest';
import { migrate, readMigrations } from '../../src/database/migrations/migrations.ts';
import { Load } from '../support/load.ts';
import { until } from '../support/until.ts';
import { faultySystem } from './faulty-system.ts';
import { disagreements } from './load-audit.ts';

/** What the next release may do: add, so that this one goes on beside it. */
const EXPANDS = {
  name: '20990101000000_expands',
  script: `
    ALTER TABLE interceptions ADD COLUMN later_fact TEXT;
    ALTER TABLE prompts ADD COLUMN later_flag BOOLEAN NOT NULL DEFAULT false;
    CREATE TABLE later_things (id UUID PRIMARY KEY);
    CREATE INDEX ON interceptions (later_fact);`,
};
/** What the one after it may do: take away what this one needs, and say so. */
const CONTRACTS = {
  name: '20990201000000_contracts',
  script: `
    ALTER TABLE interceptions RENAME COLUMN user_agent TO later_agent;
    UPDATE schema_compatibility SET since = '20990101000000_expands';`,
};
const UNDONE = `
  ALTER TABLE interceptions RENAME COLUMN later_agent TO user_agent;
  UPDATE schema_compatibility SET since = (SELECT min(migration_name) FROM _prisma_migrations)`;

test('a release beside the next one serves and records; beyond that it says so, and keeps its records', async () => {
  const system = await faultySystem();
  onTestFinished(() => system.remove());
  const own = await readMigrations();
  const bridge = await system.startBridge();
  await bridge.log(({ msg }) => msg === 'the database is ready');
  const load = new Load(bridge.url, { round: 'on', clients: 4 });

  // Under load, as an upgrade comes; and a replica of this release that starts after it.
  await migrate(system.databaseUrl, { migrations: [...own, EXPANDS] });
  const late = await system.startBridge({ dataDir: `${system.dataDir}/late` });
  await late.log(({ msg }) => msg.startsWith('a later version has added to the database'));
  await late.log(({ msg }) => msg === 'the database is ready');
  const lateLoad = new Load(late.url, { round: 'late', clients: 4 });
  const recorded = (round: string): Promise<true> =>
    until(`records of ${round}`, async () => {
      const rows = await system.tables.rows(
        `SELECT FROM interceptions WHERE user_agent LIKE $1 AND status <> 'in_progress' LIMIT 1`,
        [`load/${round}/%`],
      );
      return rows.length > 0 ? true : undefined;
    });
  await Promise.all([recorded('on'), recorded('late')]);

  await migrate(system.databaseUrl, { migrations: [...own, EXPANDS, CONTRACTS] });
  await until(
    'both say that they are too old',
    async () => (await unready(bridge.url)) && (await unready(late.url)),
  );
  await expect(migrate(system.databaseUrl, { migrations: own })).rejects.toMatchObject({
    code: 'newer',
  });
  // A caller who comes all the same is served, and the record waits.
  const before = load.served.length;
  await until('more are served', () => (load.served.length > before + 8 ? true : undefined));

  const served = [...(await load.stop()), ...(await lateLoad.stop())];
  expect(served.every(({ status }) => status === 200)).toBe(true);
  await system.tables.rows(UNDONE);
  await system.tables.rows(
    `DELETE FROM _prisma_migrations WHERE migration_name = '${CONTRACTS.name}'`,
  );
  expect([await late.stop(), await bridge.stop()]).toEqual([0, 0]);
  const successors = [
    await system.startBridge(),
    await system.startBridge({ dataDir: `${system.dataDir}/late` }),
  ];
  await until(
    'everything is recorded',
    async () =>
      (await disagreements(system.tables, served, system.simulator.calls)).length === 0
        ? true
        : undefined,
    60_000,
  );
  expect(await disagreements(system.tables, served, system.simulator.calls)).toEqual([]);
  for (const successor of successors) expect(await successor.stop()).toBe(0);
}, 180_000);

async function unready(url: string): Promise<true | undefined> {
  const res = await fetch(`${url}/readyz`);
  return res.status === 503 && (await res.text()).includes('newer than this version')
    ? true
    : undefined;
}
