import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { reasonOf } from '../../src/database/connection/database-error.ts';
import { migrate, readMigrations } from '../../src/database/migrations/migrations.ts';
import { createDatabaseIn, createEmptyDatabase, type TestDatabase } from '../support/postgres.ts';

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

  it.each(['SQL_ASCII', 'LATIN1'])(
    'refuses a database in %s, and says what to do',
    async (name) => {
      const other = await createDatabaseIn(name);
      onTestFinished(() => other.drop());
      const refused = await migrate(other.url, { migrations: [FIRST] }).catch(reasonOf);
      expect(refused).toMatch(new RegExp(`is ${name}, and has to be UTF8: .*DATABASE_URL`));
      // What it says to do can be done.
      const [said = ''] = /CREATE DATABASE <name>.*'C.UTF-8'/.exec(String(refused)) ?? [];
      const made = `${new URL(other.url).pathname.slice(1)}_utf8`;
      await client.query(said.replace('<name>', made));
      try {
        const url = new URL(other.url);
        url.pathname = made;
        expect(await migrate(url.href, { migrations: [FIRST] })).toEqual([FIRST.name]);
      } finally {
        await client.query(`DROP DATABASE ${made} WITH (FORCE)`);
      }
    },
  );

  it('refuses a database that a later version of the program has migrated', async () => {
    await migrate(database.url, { migrations: [FIRST, SECOND] });
    await expect(migrate(database.url, { migrations: [FIRST] })).rejects.toMatchObject({
      code: 'newer',
      message: expect.stringContaining(SECOND.name),
    });
  });

  it('goes on beside a later version until that takes away what it needs', async () => {
    const first = {
      name: FIRST.name,
      script: `${FIRST.script} CREATE TABLE schema_compatibility (since text PRIMARY KEY);
        INSERT INTO schema_compatibility VALUES ('${FIRST.name}');`,
    };
    const contracts = {
      name: '20260104000000_contracts',
      script: `DROP TABLE first; UPDATE schema_compatibility SET since = '${SECOND.name}';`,
    };
    await migrate(database.url, { migrations: [first, SECOND] });
    const ahead: string[] = [];
    const options = {
      migrations: [first],
      ahead: (names: readonly string[]) => void ahead.push(...names),
    };
    await expect(migrate(database.url, options)).resolves.toEqual([]);
    expect(ahead).toEqual([SECOND.name]);

    await migrate(database.url, { migrations: [first, SECOND, contracts] });
    await expect(migrate(database.url, options)).rejects.toMatchObject({ code: 'newer' });
    const second = { migrations: [first, SECOND] };
    await expect(migrate(database.url, second)).resolves.toEqual([]);
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

  it('goes on after a bridge that died when a migration was in the database, and not yet in its history', async () => {
    await migrate(database.url, { migrations: [FIRST] });
    // The engine notes the end of what it has run in a transaction of its own.
    await client.query(`
      CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF pg_trigger_depth() = 1 AND to_regclass('second') IS NOT NULL
          AND NOT EXISTS (SELECT FROM pg_class WHERE relname = 'second' AND xmin = pg_current_xact_id()::xid)
        THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER die BEFORE UPDATE ON _prisma_migrations FOR EACH ROW EXECUTE FUNCTION die();`);
    const migrations = [FIRST, SECOND];
    await expect(migrate(database.url, { migrations })).rejects.toThrow(/terminat/);
    await client.query('DROP TRIGGER die ON _prisma_migrations; DROP FUNCTION die()');
    expect(await tables()).toEqual(['first', 'second']);
    await expect(migrate(database.url, { migrations })).resolves.toEqual([]);
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
