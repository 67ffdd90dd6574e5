import { Client } from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { firstIdAt, uuidv7 } from '../../src/core/ids.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import { TEXT_TABLES } from '../../src/recording/partitions/prisma-partitions.ts';
import { PrismaAuditCheck } from '../../src/recording/verify/prisma-audit-check.ts';
import { PrismaPurgeStore } from '../../src/recording/retention/prisma-purge-store.ts';
import { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import { Retention, type RetentionSettings } from '../../src/recording/retention/retention.ts';
import type { AuditTables } from '../support/audit-tables.ts';
import { createRecordsDatabase, type RecordsDatabase } from '../support/records-database.ts';
import {
  anAttempt,
  anEnd,
  aPrompt,
  aStart,
  aThought,
  aTool,
  aUsage,
} from '../support/record-events.ts';

const DAY = 86_400_000;
const NOW = Date.now();
/** A little more than is purged at once. */
const PER_AGE = 2_100;

let database: RecordsDatabase;
let prisma: PrismaClient;
let tables: AuditTables;

beforeAll(async () => {
  database = await createRecordsDatabase(4);
  ({ prisma, tables } = database);
  // In order of age, as ids only ever grow.
  for (const days of [90, 61, 59, 31, 29, 0]) await database.store.store(interceptionsOf(days));
});

afterAll(() => database.drop());

function interceptionsOf(days: number) {
  const at = NOW - days * DAY;
  return Array.from({ length: PER_AGE }, () => uuidv7(at)).flatMap((id) => [
    aStart({ id, at }),
    anAttempt({ id, at, rowId: uuidv7(at) }),
    aUsage({ id, at, rowId: uuidv7(at) }),
    aPrompt({ id, at, rowId: uuidv7(at) }),
    aTool({ id, at, rowId: uuidv7(at) }),
    aThought({ id, at, rowId: uuidv7(at) }),
    anEnd({ id, at: at + 10 }),
  ]);
}

async function agesIn(table: string): Promise<number[]> {
  const id = table === 'interceptions' ? 'id' : 'interception_id';
  const rows = await tables.rows(
    `SELECT DISTINCT t.started_at FROM interceptions t JOIN ${table} c ON c.${id} = t.id`,
  );
  return rows
    .map(({ started_at }) => Math.round((NOW - Number(started_at)) / DAY))
    .toSorted((a, b) => b - a);
}

/** Runs until `what` has been purged, in that order. */
async function purge(settings: RetentionSettings, what: readonly string[]): Promise<void> {
  const purged: string[] = [];
  const retention = new Retention(new PrismaPurgeStore(prisma), settings, {
    purged: (one) => purged.push(one),
    failed: expect.unreachable,
  });
  const stop = new AbortController();
  const running = retention.run(stop.signal);
  await expect.poll(() => purged).toEqual(what);
  stop.abort();
  await running;
}

test('whoever looks between two batches finds every record whole or gone', async () => {
  const store = new PrismaPurgeStore(prisma);
  expect(await store.purgeRecords(NOW - 60 * DAY)).toBeGreaterThan(0);

  expect(await tables.rows('SELECT id FROM interceptions LIMIT 1')).toHaveLength(1);
  for await (const finding of new PrismaAuditCheck(prisma).findings()) {
    expect(finding).toMatchObject({ count: 0 });
  }
});

// A clock that is set wrong is mended in a minute, and what it made the bridge purge is gone.
test("the bridge's own clock, be it years ahead, makes nothing go early", async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW + 10_000 * DAY });
  onTestFinished(() => void vi.useRealTimers());
  await purge({ recordsMs: 89 * DAY, textsMs: 0, usageMs: 0 }, ['records']);

  expect(await agesIn('interceptions')).toEqual([61, 59, 31, 29, 0]);
});

test('what is past its age goes, texts before records, and nothing else', async () => {
  await purge({ recordsMs: 60 * DAY, textsMs: 30 * DAY, usageMs: 0 }, ['texts', 'records']);

  expect(await agesIn('interceptions')).toEqual([59, 31, 29, 0]);
  for (const table of ['attempts', 'token_usages', 'tool_usages']) {
    expect(await agesIn(table)).toEqual([59, 31, 29, 0]);
  }
  for (const table of TEXT_TABLES) expect(await agesIn(table)).toEqual([29, 0]);
  expect(await tables.rows('SELECT count(*)::int AS n FROM attempts')).toEqual([
    { n: 4 * PER_AGE },
  ]);
});

test('what belongs to no record goes at its age as well', async () => {
  const orphan = { id: firstIdAt(NOW - 61 * DAY), rowId: firstIdAt(NOW - 61 * DAY) };
  await new PrismaRecordStore(prisma).store([aPrompt(orphan)]);
  const store = new PrismaPurgeStore(prisma);
  while ((await store.purgeLeftovers(NOW - 60 * DAY)) !== 0);

  expect(await tables.rows('SELECT id FROM prompts WHERE id = $1', [orphan.rowId])).toEqual([]);
});

test('a kind goes with the last record of it', async () => {
  const [old, young] = [firstIdAt(NOW - 90 * DAY), uuidv7(NOW)];
  const records = new PrismaRecordStore(prisma);
  await records.store([aStart({ id: old, model: 'gone' }), aStart({ id: young, model: 'kept' })]);
  await records.store([anEnd({ id: young })]);
  const kinds = `SELECT model, status FROM interception_kinds WHERE model IN ('gone', 'kept')
    ORDER BY model, status`;
  expect(await tables.rows(kinds)).toHaveLength(3);
  const store = new PrismaPurgeStore(prisma);
  while ((await store.purgeRecords(NOW - 60 * DAY)) !== 0);
  while ((await store.purgeLeftovers(NOW - 60 * DAY)) !== 0);
  expect(await tables.rows(kinds)).toEqual([{ model: 'kept', status: 'completed' }]);
});

// Without a record, the kind looks unused to whoever cannot see yet that one is being written.
test.each([
  ['a purge of kinds waits for whoever writes records', 'pg_advisory_xact_lock_shared', purgeKinds],
  ['whoever writes records waits for a purge of kinds', 'pg_advisory_xact_lock', writeRecord],
])('%s', async (_, lock, work) => {
  const other = new Client({ connectionString: database.url });
  await other.connect();
  await other.query('BEGIN');
  await other.query(`SELECT ${lock}(hashtext('aibridge_kinds'))`);
  const working = work();
  const waiting = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
  await expect.poll(() => tables.rows(waiting)).toHaveLength(1);
  await other.query('COMMIT');
  await working;
  await other.end();
});

function purgeKinds(): Promise<unknown> {
  return new PrismaPurgeStore(prisma).purgeLeftovers(NOW - 60 * DAY);
}

function writeRecord(): Promise<unknown> {
  return new PrismaRecordStore(prisma).store([aStart({ id: uuidv7(NOW), model: 'raced' })]);
}

test('a tool call whose caller has not come in time is looked at no more', async () => {
  const [old, young] = [uuidv7(NOW), uuidv7(NOW)];
  const carried = { correlatingToolCallIds: ['call_0'] };
  const records = new PrismaRecordStore(prisma);
  await records.store([aStart({ id: old, ...carried }), aStart({ id: young, ...carried })]);
  await tables.rows(
    `UPDATE unlinked_calls SET noted_at = now() - interval '11 minutes' WHERE interception_id = $1`,
    [old],
  );
  const settings = { recordsMs: 0, textsMs: 0, usageMs: 0 };
  const reports = { purged: expect.unreachable, failed: expect.unreachable };
  const stop = new AbortController();
  const running = new Retention(new PrismaPurgeStore(prisma), settings, reports).run(stop.signal);
  const left = 'SELECT interception_id AS id FROM unlinked_calls';
  await expect.poll(() => tables.rows(left)).toEqual([{ id: young }]);
  stop.abort();
  await running;
});

test('the tables of records are analyzed once a day, which PostgreSQL leaves to others', async () => {
  const store = new PrismaPurgeStore(prisma);
  const estimate = `SELECT reltuples::int AS n, (SELECT count(*)::int FROM attempts) AS is
    FROM pg_class WHERE oid = 'attempts'::regclass`;
  // As after a day.
  await tables.rows(`SELECT pg_stat_reset_single_table_counters('attempts'::regclass)`);
  await store.analyze();
  const [{ n, is } = {}] = await tables.rows(estimate);
  expect(n).toBe(is);
  const analyzed = `SELECT analyze_count::int AS n FROM pg_stat_user_tables WHERE relname = 'attempts'`;
  await expect.poll(() => tables.rows(analyzed)).toEqual([{ n: 1 }]);
  await store.analyze();
  expect(await tables.rows(analyzed)).toEqual([{ n: 1 }]);
});

test('only one replica purges at a time', async () => {
  const store = new PrismaPurgeStore(prisma);
  await prisma.$transaction(async (transaction) => {
    await transaction.$executeRaw`SELECT pg_advisory_xact_lock(${0x61_69_62_31})`;
    expect(await store.purgeRecords(NOW)).toBeUndefined();
  });
  expect(await store.purgeRecords(NOW - 60 * DAY)).toBe(0);
});
