import { readFile } from 'node:fs/promises';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import { readMigrations } from '../../src/database/migrations/migrations.ts';
import { createSchemaEngine } from '../../src/database/migrations/schema-engine.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import { PrismaPartitions } from '../../src/recording/partitions/prisma-partitions.ts';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let client: PrismaClient;

beforeAll(async () => {
  database = await createTestDatabase();
  client = createPrismaClient(database.url, { poolMax: 2 });
  await new PrismaPartitions(client, 'month').make(Date.now(), Date.now());
});

afterAll(async () => {
  await client.$disconnect();
  await database.drop();
});

describe('the schema', () => {
  it('keeps times to the millisecond, whatever time zone the server has', async () => {
    const name = new URL(database.url).pathname.slice(1);
    await client.$executeRawUnsafe(`ALTER DATABASE ${name} SET timezone TO 'America/New_York'`);
    const other = createPrismaClient(database.url, { poolMax: 1 });
    const at = new Date('2026-03-29T01:30:00.123Z');
    const id = uuidv7(at.getTime());
    await other.instance.create({
      data: { id, startedAt: at, heartbeatAt: at, version: '1', host: 'here' },
    });
    await expect(other.instance.findUnique({ where: { id } })).resolves.toMatchObject({
      startedAt: at,
    });
    await other.$disconnect();
  });

  // A pool key may be stored as its hint and its fingerprint, never as more of itself.
  it.each([
    ['interceptions', 'credential_hint', 15],
    ['interceptions', 'credential_fingerprint', 12],
    ['attempts', 'credential_hint', 15],
    ['attempts', 'credential_fingerprint', 12],
    ['key_states', 'hint', 15],
    ['key_states', 'fingerprint', 12],
    ['key_events', 'hint', 15],
    ['key_events', 'fingerprint', 12],
  ])('has no room for a key in %s.%s', async (table, column, bound) => {
    const rows = await client.$queryRaw<{ length: number }[]>`
      SELECT character_maximum_length AS length FROM information_schema.columns
       WHERE table_name = ${table} AND column_name = ${column}`;
    expect(rows).toEqual([{ length: bound }]);
  });

  it.each([
    [
      'a page of one initiator',
      `initiator_id = 'a' ORDER BY id DESC LIMIT 50`,
      '_initiator_id_id_idx',
    ],
    ['a page of one session', `session_id = 'a' ORDER BY id DESC LIMIT 50`, '_session_id_id_idx'],
    ['a page of one kind', `kind_id = '${uuidv7(1)}' ORDER BY id DESC LIMIT 50`, '_kind_id_id_idx'],
    [
      'a page of one key',
      `credential_fingerprint = 'a' ORDER BY id DESC LIMIT 50`,
      '_credential_fingerprint_id_idx',
    ],
    [
      'what a dead instance left',
      `status IN ('in_progress', 'interrupted') AND instance_id = '${uuidv7(1)}'`,
      '_instance_id_idx',
    ],
  ])('answers %s from an index', async (_, filter, index) => {
    const plan = await explain(`SELECT id FROM interceptions WHERE ${filter}`);
    expect(plan).toContain(index);
  });

  it('answers a search over prompts from its index, and takes prompts of any length', async () => {
    const plan = await explain(
      `SELECT id FROM prompts WHERE words @@ websearch_to_tsquery('simple', 'needle')`,
    );
    expect(plan).toContain('_words_idx');

    const text = Array.from({ length: 300_000 }, (_, word) => `${word}é${word}`).join(' ');
    const id = uuidv7(Date.now());
    await client.prompt.create({ data: { id, interceptionId: id, text, createdAt: new Date() } });
    await expect(client.prompt.findFirst({ where: { id } })).resolves.toMatchObject({ text });
  });
});

describe('the check of schema and migrations', () => {
  // The full-text index and the storage settings stand in the migrations alone.
  it('finds them in agreement, also about what only the migrations can say', async () => {
    expect(await difference(await schema())).toBe('');
  });

  it.each([
    ['a column of another name', '  notes  ', '  nates  ', 'ADD COLUMN     "nates"'],
    ['a bound that has moved', '@db.VarChar(15)', '@db.VarChar(16)', 'VARCHAR(16)'],
    ['another condition of an index', "'interrupted'::", "'lost'::", `'lost'::text]`],
  ])('sees %s', async (_, from, to, expected) => {
    expect(await difference((await schema()).replace(from, to))).toContain(expected);
  });
});

function schema(): Promise<string> {
  return readFile('prisma/schema.prisma', 'utf8');
}

async function difference(schemaText: string): Promise<string> {
  const shadow = await createEmptyDatabase();
  const pool = new Pool({ connectionString: shadow.url, max: 1 });
  const engine = await createSchemaEngine(pool, shadow.url);
  const found = await engine.difference(await readMigrations(), schemaText);
  engine.close();
  await pool.end();
  await shadow.drop();
  return found;
}

/** As for a big table: an empty one is quicker read whole. */
async function explain(sql: string): Promise<string> {
  const [, rows] = await client.$transaction([
    client.$executeRawUnsafe('SET LOCAL enable_seqscan TO off'),
    client.$queryRawUnsafe(`EXPLAIN ${sql}`),
  ]);
  return JSON.stringify(rows);
}
