import { Client } from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import { firstIdAt, uuidv7 } from '../../src/core/ids.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import { PrismaAuditCheck } from '../../src/recording/verify/prisma-audit-check.ts';
import { PrismaPurgeStore } from '../../src/recording/retention/prisma-purge-store.ts';
import { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import { Retention, type RetentionSettings } from '../../src/recording/retention/retention.ts';
import { AuditTables } from '../support/audit-tables.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
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

let database: TestDatabase;
let prisma: PrismaClient;
let tables: AuditTables;

beforeAll(async () => {
  database = await createTestDatabase();
  prisma = createPrismaClient(database.url, { poolMax: 4 });
  tables = new AuditTables(database.url);
  const store = new PrismaRecordStore(prisma);
  // In order of age, as ids only ever grow.
  for (const days of [90, 61, 59, 31, 29, 0]) await store.store(interceptionsOf(days));
});

afterAll(async () => {
  await tables.close();
  await prisma.$disconnect();
  await database.drop();
});

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

async function agesIn(table: string, condition = 'true'): Promise<number[]> {
  const id = table === 'interceptions' ? 'id' : 'interception_id';
  const rows = await tables.rows(
    `SELECT DISTINCT t.started_at FROM interceptions t JOIN ${table} c ON c.${id} = t.id
     WHERE ${condition.replaceAll('input', 'c.input')}`,
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
  await expect.poll(() => purged, { timeout: 15_000 }).toEqual(what);
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
  await purge({ recordsMs: 89 * DAY, textsMs: 0 }, ['records']);

  expect(await agesIn('interceptions')).toEqual([61, 59, 31, 29, 0]);
});

test('what is past its age goes, texts before records, and nothing else', async () => {
  await purge({ recordsMs: 60 * DAY, textsMs: 30 * DAY }, ['texts', 'records']);

  expect(await agesIn('interceptions')).toEqual([59, 31, 29, 0]);
  for (const table of ['attempts', 'token_usages', 'tool_usages']) {
    expect(await agesIn(table)).toEqual([59, 31, 29, 0]);
  }
  for (const table of ['prompts', 'thoughts']) expect(await agesIn(table)).toEqual([29, 0]);
  expect(await agesIn('tool_usages', 'input IS NOT NULL')).toEqual([29, 0]);
  expect(await tables.rows('SELECT count(*)::int AS n FROM attempts')).toEqual([
    { n: 4 * PER_AGE },
  ]);
});

test('what belongs to no record goes at its age as well', async () => {
  const orphan = { id: firstIdAt(NOW - 61 * DAY), rowId: firstIdAt(NOW - 61 * DAY) };
  await new PrismaRecordStore(prisma).store([aPrompt(orphan)]);
  await purge({ recordsMs: 60 * DAY, textsMs: 0 }, ['records']);

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
  expect(await tables.rows(kinds)).toEqual([{ model: 'kept', status: 'completed' }]);
});

// Without a record, the kind looks unused to whoever cannot see yet that one is being written.
test('a kind stays that a record is being written of', async () => {
  await new PrismaRecordStore(prisma).store([aStart({ id: uuidv7(NOW), model: 'raced' })]);
  await tables.rows(`DELETE FROM interceptions WHERE model = 'raced'`);
  const writer = new Client({ connectionString: database.url });
  await writer.connect();
  await writer.query('BEGIN');
  await writer.query(
    `INSERT INTO interceptions SELECT (jsonb_populate_record(i, $1)).*
     FROM interceptions AS i WHERE status = 'completed' LIMIT 1`,
    [{ id: uuidv7(NOW), model: 'raced', status: 'in_progress' }],
  );
  const purging = new PrismaPurgeStore(prisma).purgeRecords(NOW - 60 * DAY);
  const waiting = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
  await expect.poll(() => tables.rows(waiting)).toHaveLength(1);
  await writer.query('COMMIT');
  await purging;
  await writer.end();

  const kinds = `SELECT id FROM interception_kinds AS k WHERE model = 'raced'
    AND EXISTS (SELECT FROM interceptions AS i WHERE i.kind_id = k.id)`;
  expect(await tables.rows(kinds)).toHaveLength(1);
});

test('only one replica purges at a time', async () => {
  const store = new PrismaPurgeStore(prisma);
  await prisma.$transaction(async (transaction) => {
    await transaction.$executeRaw`SELECT pg_advisory_xact_lock(${0x61_69_62_31})`;
    expect(await store.purgeRecords(NOW)).toBeUndefined();
  });
  expect(await store.purgeRecords(NOW - 60 * DAY)).toBe(0);
});
