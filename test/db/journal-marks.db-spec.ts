import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SystemClock } from '../../src/core/clock.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import { encodeLine } from '../../src/recording/journal/journal-line.ts';
import { JournalReader } from '../../src/recording/journal/journal-reader.ts';
import { segmentName } from '../../src/recording/journal/journal-segments.ts';
import { PrismaPurgeStore } from '../../src/recording/retention/prisma-purge-store.ts';
import type { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import { PrismaUsageTotals } from '../../src/recording/totals/prisma-usage-totals.ts';
import { Writer } from '../../src/recording/writer/writer.ts';
import type { AuditTables } from '../support/audit-tables.ts';
import { createRecordsDatabase, type RecordsDatabase } from '../support/records-database.ts';
import { anAttempt, anEnd, anId, aPrompt, aStart } from '../support/record-events.ts';

const DAY = 86_400_000;

let directory: string;
let database: RecordsDatabase;
let tables: AuditTables;
let prisma: PrismaClient;
let store: PrismaRecordStore;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'aibridge-marks-'));
  database = await createRecordsDatabase(2);
  ({ prisma, store, tables } = database);
});

afterEach(async () => {
  await database.drop();
  await rm(directory, { recursive: true, force: true });
});

it('a mark is stored with the records, or neither is', async () => {
  const instanceId = anId();
  const [first, second] = [1, 2].map((events) => ({ instanceId, position: 3, events }));
  expect(await store.markOf(instanceId)).toBeUndefined();
  await store.store([aStart()], first);
  expect(await store.markOf(instanceId)).toEqual(first);
  await store.store([aStart(), anAttempt({ credentialHint: 'x'.repeat(16) })], second);
  expect(await store.markOf(instanceId)).toEqual(first);
  await store.store([aStart()], second);
  expect(await store.markOf(instanceId)).toEqual(second);
});

// After a fail-over the database may have less than the writer has seen it take.
it('nothing is stored where the database is not as far as it was thought to be', async () => {
  const instanceId = anId();
  const [first, second, third] = [1, 2, 3].map((position) => ({ instanceId, position, events: 0 }));
  if (first === undefined || second === undefined) throw new Error('three marks');
  expect(await store.store([aStart()], first, 'none')).toBeUndefined();
  expect(await store.store([aStart()], first, 'none')).toMatchObject({ kind: 'elsewhere' });
  expect(await store.store([aStart()], third, second)).toMatchObject({ kind: 'elsewhere' });
  const halfway = { ...first, events: 1 };
  expect(await store.store([aStart()], third, halfway)).toMatchObject({ kind: 'elsewhere' });
  expect(await store.markOf(instanceId)).toEqual(first);
  expect(await tables.rows('SELECT FROM interceptions')).toHaveLength(1);
  expect(await store.store([aStart()], second, first)).toBeUndefined();
  expect(await tables.rows('SELECT FROM interceptions')).toHaveLength(2);
});

// The last segment of a journal stays on the disk, and whoever takes it over reads it from its beginning.
it('what was purged before a crash stays purged, and what was counted is counted once', async () => {
  const at = Date.now() - 90 * DAY;
  const instanceId = anId();
  const events = Array.from({ length: 1_000 }, () => uuidv7(at)).flatMap((id) => [
    aStart({ id, at, instanceId }),
    aPrompt({ id, at, rowId: uuidv7(at) }),
    anEnd({ id, at: at + 20 }),
  ]);
  await writeFile(path.join(directory, segmentName(0)), events.map(encodeLine).join(''));

  await takeOver(instanceId);
  const counted = await totals();
  const purge = new PrismaPurgeStore(prisma);
  while (((await purge.purgeRecords(Date.now() - 60 * DAY)) ?? 0) > 0);
  await takeOver(instanceId);

  expect(await tables.rows('SELECT id FROM interceptions LIMIT 1')).toEqual([]);
  expect(await tables.rows('SELECT id FROM prompts LIMIT 1')).toEqual([]);
  expect(counted).toEqual([{ n: '1000' }]);
  expect(await totals()).toEqual(counted);
});

async function takeOver(instanceId: string): Promise<void> {
  const reports = {
    unavailable: () => undefined,
    available: () => undefined,
    setAside: () => expect.unreachable(),
    missing: () => expect.unreachable(),
    late: () => expect.unreachable(),
    fellBack: () => expect.unreachable(),
  };
  const reader = new JournalReader(directory);
  const writer = new Writer(store, reports, new SystemClock(), instanceId);
  expect(await writer.drain(reader, new AbortController().signal)).toBe(true);
  expect(reader.newestMs).toBeGreaterThan(0);
  await reader.close();
}

async function totals() {
  await new PrismaUsageTotals(prisma).rollUp();
  return tables.rows(
    `SELECT sum(interceptions)::text AS n FROM usage_totals WHERE grain = 'month' AND initiator_id = ''`,
  );
}

it('the mark of a process that lives is kept, however old', async () => {
  const [alive, dead] = [anId(), anId()];
  await store.heartbeat({ id: alive, version: '1', host: 'h' });
  for (const instanceId of [alive, dead]) {
    await store.store([aStart()], { instanceId, position: 1, events: 0 });
  }
  expect(await new PrismaPurgeStore(prisma).purgeMarks(Date.now() + DAY)).toBe(1);
  expect(await store.markOf(alive)).toBeDefined();
  expect(await store.markOf(dead)).toBeUndefined();
});
