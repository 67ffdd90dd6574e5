import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrate, readMigrations } from '../../src/database/migrations/migrations.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/postgres.ts';

const FIRST = { name: '20260101000000_first', script: 'CREATE TABLE first (id int);' };
const SECOND = { name: '20260102000000_second', script: 'CREATE TABLE second (id int);' };
const BROKEN = {
  name: '20260103000000_broken',
  script: 'CREATE TABLE half (id int); CREATE TABLE broken (id no_such_type);',
};

let database: TestDatabase;
let client: Client;

beforeEach(async () => {
  database = await createEmptyDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
});

afterEach(async () => {
  await client.end();
  await database.drop();
});

async function tables(): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> '_prisma_migrations'
      ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

describe('migrating', () => {
  it('applies what is missing, in order, once', async () => {
    await expect(migrate(database.url, { migrations: [FIRST] })).resolves.toEqual([FIRST.name]);
    const both = { migrations: [FIRST, SECOND] };
    await expect(migrate(database.url, both)).resolves.toEqual([SECOND.name]);
    await expect(migrate(database.url, both)).resolves.toEqual([]);
    expect(await tables()).toEqual(['first', 'second']);
  });

  it('is done once when several replicas start together', async () => {
    const names = (await readMigrations()).map(({ name }) => name);
    const results = await Promise.all(Array.from({ length: 4 }, () => migrate(database.url)));
    expect(results.flat()).toEqual(names);
    const { rows } = await client.query('SELECT migration_name FROM _prisma_migrations');
    expect(rows).toHaveLength(names.length);
  });

  it('refuses a database that a later version of the program has migrated', async () => {
    await migrate(database.url, { migrations: [FIRST, SECOND] });
    await expect(migrate(database.url, { migrations: [FIRST] })).rejects.toMatchObject({
      code: 'newer',
      message: expect.stringContaining(SECOND.name),
    });
  });

  it('names the migration that fails and why, and leaves nothing of it behind', async () => {
    await expect(migrate(database.url, { migrations: [FIRST, BROKEN] })).rejects.toMatchObject({
      code: 'migration_failed',
      message: `migration ${BROKEN.name} failed and was rolled back: ERROR: type "no_such_type" does not exist`,
    });
    expect(await tables()).toEqual(['first']);
  });

  it('tries a failed migration again when its cause is gone', async () => {
    const migrations = [FIRST, BROKEN];
    await expect(migrate(database.url, { migrations })).rejects.toThrow(BROKEN.name);
    await expect(migrate(database.url, { migrations })).rejects.toThrow('no_such_type');
    await client.query('CREATE DOMAIN no_such_type AS int');
    await expect(migrate(database.url, { migrations })).resolves.toEqual([BROKEN.name]);
  });

  it('goes on after a bridge that died in the middle of a migration', async () => {
    await migrate(database.url, { migrations: [FIRST] });
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at)
       VALUES ('1', '', $1, now())`,
      [SECOND.name],
    );
    const migrations = [FIRST, SECOND];
    await expect(migrate(database.url, { migrations })).resolves.toEqual([SECOND.name]);
    expect(await tables()).toEqual(['first', 'second']);
  });

  it('takes semicolons in comments, strings and functions for what they are', async () => {
    const script = `-- one; two
      CREATE TABLE semicolons (id int DEFAULT length('a;b'));
      CREATE FUNCTION three() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 3; END $$;`;
    await migrate(database.url, { migrations: [{ name: '20260101000000_semicolons', script }] });
    expect(await tables()).toEqual(['semicolons']);
    expect((await client.query('SELECT three()')).rows).toEqual([{ three: 3 }]);
  });

  it("keeps its hands off somebody else's database", async () => {
    await client.query('CREATE TABLE theirs (id int)');
    await expect(migrate(database.url, { migrations: [FIRST] })).rejects.toMatchObject({
      code: 'migration_failed',
      message: expect.stringContaining('The database schema is not empty'),
    });
    expect(await tables()).toEqual(['theirs']);
  });

  it('stops waiting for another replica when the bridge stops', async () => {
    await client.query('SELECT pg_advisory_lock(72707369)');
    const stop = new AbortController();
    const waiting = migrate(database.url, { migrations: [FIRST], signal: stop.signal });
    stop.abort();
    await expect(waiting).rejects.toThrow('aborted');
    expect(await tables()).toEqual([]);
  });
});
