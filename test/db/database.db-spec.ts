import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { NestFactory } from '@nestjs/core';
import { Client } from 'pg';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { DirectoryInUseError } from '../../src/core/directory-lock.ts';
import { ConfigModule } from '../../src/config/config.module.ts';
import { parseConfig } from '../../src/config/index.ts';
import { Database } from '../../src/database/database.ts';
import { BATCH_LIMITS } from '../../src/database/connection/limits.ts';
import { createPool, lentPlace } from '../../src/database/connection/pool.ts';
import { createPrismaClient, prismaOn } from '../../src/database/connection/prisma-client.ts';
import { Prisma } from '../../src/generated/prisma/client.ts';
import { DatabaseModule, DatabaseService } from '../../src/database/index.ts';
import { CuttableProxy } from '../support/cuttable-proxy.ts';
import { createTestDatabase, temporaryDataDir, type TestDatabase } from '../support/postgres.ts';

let testDatabase: TestDatabase;
let warnings: string[];

beforeEach(async () => {
  testDatabase = await createTestDatabase();
  onTestFinished(() => testDatabase.drop());
  warnings = [];
});

function open(url: string | undefined, dataDir = ''): Database {
  const log = {
    log: () => undefined,
    debug: () => undefined,
    warn: (line: string) => void warnings.push(line),
  };
  const database = new Database({ url, connections: 8, dataDir, log, random: () => 0 });
  onTestFinished(() => database.close());
  database.open();
  return database;
}

async function proxy(): Promise<CuttableProxy> {
  const made = await CuttableProxy.start(testDatabase.url);
  onTestFinished(() => made.cut());
  return made;
}

describe('the database', () => {
  it('is there soon, and leaves no connection behind', async () => {
    const database = open(testDatabase.url);
    expect(database.state).toEqual({ kind: 'starting' });
    expect(() => database.client).toThrow('the database is not available: it is starting');

    await database.ready;
    expect(database.state).toEqual({ kind: 'ready' });
    expect(database.url).toBe(testDatabase.url);
    await expect(database.client.interception.count()).resolves.toBe(0);

    await database.close();
    const client = new Client({ connectionString: testDatabase.url });
    await client.connect();
    const { rows } = await client.query(
      `SELECT application_name FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
    );
    await client.end();
    expect(rows).toEqual([]);
  });

  it('is waited for when it is down at the start, and complained about once', async () => {
    const way = await proxy();
    await way.cut();
    const database = open(way.url);
    await expect.poll(() => database.state).toMatchObject({ kind: 'down' });
    expect(() => database.client).toThrow(
      expect.objectContaining({
        code: 'unavailable',
        message: expect.stringContaining('ECONNREFUSED'),
      }),
    );

    await way.mend();
    await database.ready;
    await expect(database.client.interception.count()).resolves.toBe(0);
    expect(warnings).toHaveLength(1);
  });

  it('is down at once when it goes away, and back when it is', async () => {
    const way = await proxy();
    const database = open(way.url);
    await database.ready;
    await way.cut();
    await expect.poll(() => database.state).toMatchObject({ kind: 'down' });

    await way.mend();
    await expect.poll(() => database.state).toEqual({ kind: 'ready' });
    await expect(database.client.interception.count()).resolves.toBe(0);
  });

  it('does not hold up the one who leaves it when it is frozen', async () => {
    const way = await proxy();
    const database = open(way.url);
    await database.ready;
    await database.client.interception.count();
    way.freeze();
    await expect(database.close()).resolves.toBeUndefined();
  });

  it('is asked anew, on another connection, when it has been silent for too long', async () => {
    const client = createPrismaClient(testDatabase.url, { poolMax: 1, limits: { silenceMs: 300 } });
    onTestFinished(() => client.$disconnect());
    await expect(client.$executeRaw`SELECT pg_sleep(30)`).rejects.toThrow(/silent|terminated/);
    await expect(client.interception.count()).resolves.toBe(0);
  });

  // A pooler gives the connection to somebody else next.
  it('is asked within limits that leave nothing behind on the connection', async () => {
    const pool = createPool(testDatabase.url, { max: 1 });
    onTestFinished(() => pool.end());
    const show = Prisma.sql`SELECT concat_ws(' ', current_setting('lock_timeout'),
      current_setting('statement_timeout'), current_setting('TimeZone')) AS limits`;
    const [shared, own] = [prismaOn(pool), prismaOn(pool, BATCH_LIMITS)];
    expect(await shared.$queryRaw(show)).toEqual([{ limits: '30s 1min UTC' }]);
    const inTransaction = own.$transaction((transaction) => transaction.$queryRaw(show));
    expect(await inTransaction).toEqual([{ limits: '10s 20s UTC' }]);
    await expect(shared.$queryRaw`SELECT 1 / 0`).rejects.toThrow(/division by zero/);
    const failing = own.$transaction((transaction) => transaction.$queryRaw`SELECT 1 / 0`);
    await expect(failing).rejects.toThrow(/division by zero/);

    const client = await pool.connect();
    const { rows } = await client.query(show.sql);
    const fresh = new Client({ connectionString: testDatabase.url });
    await fresh.connect();
    expect(rows).toEqual((await fresh.query(show.sql)).rows);
    await fresh.end();
    client.release();
  });

  it('lends a place of its connections, and has it back', async () => {
    const pool = createPool(testDatabase.url, { max: 1, waitMs: 500 });
    onTestFinished(() => pool.end());
    const prisma = prismaOn(pool);
    const giveBack = await lentPlace(pool);
    await expect(prisma.interception.count()).rejects.toThrow(/timeout/);
    giveBack();
    expect(await prisma.interception.count()).toBe(0);
  });

  it('stays away when it is too new for the program, and says so', async () => {
    const client = new Client({ connectionString: testDatabase.url });
    await client.connect();
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at)
       VALUES ('1', '', '29990101000000_tomorrow', now())`,
    );
    const beside = open(testDatabase.url);
    await beside.ready;
    expect(beside.state).toEqual({ kind: 'ready' });

    await client.query(`UPDATE schema_compatibility SET since = '29990101000000_tomorrow'`);
    await client.end();
    const database = open(testDatabase.url);
    await expect
      .poll(() => database.state)
      .toEqual({
        kind: 'down',
        code: 'newer',
        reason: expect.stringContaining('29990101000000_tomorrow'),
      });
  });

  it('can be closed while it is still being looked for', async () => {
    const way = await proxy();
    await way.cut();
    const database = open(way.url);
    await database.close();
    expect(() => database.client).toThrow('not available');
  });

  it('comes and goes with the application that its module is part of', async () => {
    const parsed = parseConfig({ DATABASE_URL: testDatabase.url }, { readFile: () => '' });
    if (parsed.kind === 'invalid') throw new Error(parsed.problems.join('\n'));
    const module = DatabaseModule.register(ConfigModule.register(parsed.config));
    const app = await NestFactory.createApplicationContext(module, { logger: false });
    const database = app.get(DatabaseService);
    await database.ready;
    await expect(database.client.interception.count()).resolves.toBe(0);
    await app.close();
    expect(() => database.client).toThrow('the bridge is stopping');
  });
});

describe('the embedded database', () => {
  let dataDir: string;

  beforeEach(async () => {
    dataDir = await temporaryDataDir();
    onTestFinished(() => rm(dataDir, { recursive: true }));
  });

  it('is started again under the same address when its server dies', async () => {
    const database = open(undefined, dataDir);
    await database.ready;
    const { url } = database;
    const pidFile = path.join(dataDir, 'postgres', 'cluster', 'postmaster.pid');
    process.kill(Number.parseInt(await readFile(pidFile, 'utf8'), 10), 'SIGKILL');

    await expect.poll(() => database.state).toMatchObject({ kind: 'down' });
    await expect.poll(() => database.state).toEqual({ kind: 'ready' });
    expect(database.url).toBe(url);
    await expect(database.client.interception.count()).resolves.toBe(0);
  });

  it('fails at once, not in the background, when another bridge has its data directory', async () => {
    open(undefined, dataDir);
    expect(() => open(undefined, dataDir)).toThrow(DirectoryInUseError);
  });

  it('can be closed in the middle of its start', async () => {
    await open(undefined, dataDir).close();
    const next = open(undefined, dataDir);
    await next.ready;
    expect(next.state).toEqual({ kind: 'ready' });
  });
});
