import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { firstIdAt } from '../../src/core/ids.ts';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import {
  PrismaPartitions,
  RECORD_TABLES,
} from '../../src/recording/partitions/prisma-partitions.ts';
import { PrismaPurgeStore } from '../../src/recording/retention/prisma-purge-store.ts';
import { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import type { AuditTables } from '../support/audit-tables.ts';
import { createRecordsDatabase, type RecordsDatabase } from '../support/records-database.ts';
import { aPrompt, aStart } from '../support/record-events.ts';

const DAY = 86_400_000;
const PENDING = 'SELECT FROM pg_inherits WHERE inhdetachpending';
const PAST = 'interceptions_20250505';
const at = (text: string): number => Date.parse(`${text}Z`);
const PAST_MS = at('2025-05-05T10:00');
let made = 0;
/** Those that the program makes only ever grow. */
const idAt = (ms: number): string =>
  firstIdAt(ms).slice(0, -12) + String((made += 1)).padStart(12, '0');

let database: RecordsDatabase;
let prisma: PrismaClient;
let tables: AuditTables;

beforeAll(async () => {
  database = await createRecordsDatabase();
  ({ prisma, tables } = database);
});

afterAll(() => database.drop());

const started = (time: string) => [aStart({ id: idAt(at(time)), model: 'either' })];

async function partitions(table: string): Promise<string[]> {
  const rows = await tables.rows(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass ORDER BY 1`,
    [table],
  );
  return rows.map(({ name }) => String(name));
}

async function connected(): Promise<Client> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

test('replicas that make them at the same time make each once, with all that belongs to it', async () => {
  const replicas = Array.from({ length: 4 }, () => new PrismaPartitions(prisma, 'day'));
  const [from, to] = [at('2026-03-30T12:00'), at('2026-04-01T12:00')];
  await Promise.all(replicas.map((replica) => replica.make(from, to)));
  for (const table of RECORD_TABLES) {
    const days = ['20260330', '20260331', '20260401'];
    expect(await partitions(table)).toEqual(days.map((day) => `${table}_${day}`));
    const [unlike] = await tables.rows(
      `SELECT count(*)::int AS n FROM pg_index AS p WHERE p.indrelid = $1::regclass AND NOT EXISTS (
         SELECT FROM pg_index AS c JOIN pg_inherits AS i ON i.inhrelid = c.indexrelid
         WHERE c.indrelid = $2::regclass AND i.inhparent = p.indexrelid)`,
      [table, `${table}_20260330`],
    );
    expect(unlike).toEqual({ n: 0 });
  }
});

test('days and months may follow each other: whatever is recorded has its place', async () => {
  const [day, month] = [
    new PrismaRecordStore(prisma, 'day'),
    new PrismaRecordStore(prisma, 'month'),
  ];
  expect(await day.store(started('2026-07-10T10:00'))).toBeUndefined();
  expect(await month.store(started('2026-07-20T10:00'))).toBeUndefined();
  expect(await day.store(started('2026-07-25T10:00'))).toBeUndefined();
  expect(await month.store(started('2026-07-05T10:00'))).toBeUndefined();
  expect(await tables.rows(`SELECT id FROM interceptions WHERE model = 'either'`)).toHaveLength(4);
  const ofJuly = (await partitions('interceptions')).filter((name) => name.includes('_202607'));
  expect(ofJuly).toEqual([
    'interceptions_20260701',
    'interceptions_20260710',
    'interceptions_20260711',
  ]);
});

test('what comes when its partition has been dropped makes it anew', async () => {
  const store = new PrismaRecordStore(prisma, 'day');
  const time = at('2026-01-05T10:00');
  expect(await store.store([aStart({ id: idAt(time) })])).toBeUndefined();
  await new PrismaPurgeStore(prisma, 'day').dropRecords(at('2026-01-06T00:00'));
  expect(await partitions('interceptions')).not.toContain('interceptions_20260105');
  const late = idAt(time);
  expect(await store.store([aStart({ id: late }), aPrompt({ id: late })])).toBeUndefined();
  expect(await tables.children('prompts', late)).toHaveLength(1);
});

describe('a partition that is past', () => {
  test('goes as a whole, and the one in which the age ends stays', async () => {
    await recorded();
    expect(await drop()).toBe(1);
    expect(await isGone()).toBe(true);
    expect(await partitions('interceptions')).toContain('interceptions_20250506');
    expect(await drop()).toBe(0);
  });

  test('is waited for while somebody reads it, and keeps nobody from reading or writing', async () => {
    await recorded();
    const reader = await connected();
    await reader.query('BEGIN');
    await reader.query('SELECT count(*) FROM interceptions');
    const dropping = drop();
    await expect.poll(() => tables.rows(PENDING)).toHaveLength(1);

    expect(
      await new PrismaRecordStore(prisma, 'day').store([aStart({ id: idAt(Date.now()) })]),
    ).toBeUndefined();
    await tables.rows('SELECT count(*) FROM interceptions');
    await reader.query('COMMIT');
    expect(await dropping).toBe(1);
    expect(await isGone()).toBe(true);
  });

  test('is estimated where it takes too long to count', async () => {
    await recorded();
    await tables.rows(`ANALYZE ${PAST}`);
    const all = await new PrismaPartitions(prisma, 'day').of('interceptions');
    const past = all.find(({ name }) => name === PAST);
    if (past === undefined) throw new Error('there is no such partition');
    const hasty = createPrismaClient(database.url, { poolMax: 1, limits: { statementMs: 500 } });
    onTestFinished(() => hasty.$disconnect());
    const other = await connected();
    await other.query('BEGIN');
    await other.query(`LOCK TABLE ${PAST}`);
    expect(await new PrismaPartitions(hasty, 'day').rowsIn(past)).toBe(1);
    await other.query('COMMIT');
    expect(await drop()).toBe(1);
  });

  test('goes at the next round when a process died before it was detached for good', async () => {
    await recorded();
    const [reader, dying] = [await connected(), await connected()];
    await reader.query('BEGIN');
    await reader.query('SELECT FROM interceptions');
    const { rows } = await dying.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    dying.on('error', () => undefined);
    const detaching = dying.query(
      `ALTER TABLE interceptions DETACH PARTITION ${PAST} CONCURRENTLY`,
    );
    detaching.catch(() => undefined);
    await expect.poll(() => tables.rows(PENDING)).toHaveLength(1);
    await tables.rows('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
    await expect(detaching).rejects.toThrow(/terminat/);
    await reader.query('COMMIT');

    await drop();
    expect(await isGone()).toBe(true);
  });

  test('goes at the next round when a process died before it was dropped', async () => {
    await recorded();
    await tables.rows(`ALTER TABLE interceptions DETACH PARTITION ${PAST}`);
    await drop();
    expect(await isGone()).toBe(true);
  });
});

test('nothing that is looked for by id is looked for in every partition', async () => {
  await new PrismaPartitions(prisma, 'day').make(at('2026-10-12T00:00'), at('2026-10-18T00:00'));
  const id = firstIdAt(at('2026-10-15T10:00'));
  const [, plan] = await prisma.$transaction([
    prisma.$executeRawUnsafe('SET LOCAL enable_seqscan TO off'),
    prisma.$queryRawUnsafe(`EXPLAIN SELECT * FROM prompts WHERE interception_id = '${id}'`),
  ]);
  expect(
    JSON.stringify(plan)
      .match(/prompts_2\d+/g)
      ?.filter((name, index, all) => all.indexOf(name) === index),
  ).toEqual(['prompts_20261015']);
});

/** Gone, of every table, and nothing of a newer day with it. */
async function isGone(): Promise<boolean> {
  const rows = await tables.rows(`SELECT FROM pg_class WHERE relname LIKE '%\\_20250505'`);
  return rows.length === 0;
}

async function recorded(): Promise<void> {
  const events = [PAST_MS, PAST_MS + DAY].map((ms) => aStart({ id: idAt(ms) }));
  expect(await new PrismaRecordStore(prisma, 'day').store(events)).toBeUndefined();
}

const drop = (): Promise<number> =>
  new PrismaPurgeStore(prisma, 'day').dropRecords(at('2025-05-06T10:00'));
