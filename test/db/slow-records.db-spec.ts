import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SystemClock } from '../../src/core/clock.ts';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import type { RecordEvent } from '../../src/recording/journal/events.ts';
import { encodeLine } from '../../src/recording/journal/journal-line.ts';
import { JournalProgress } from '../../src/recording/journal/journal-progress.ts';
import { JournalReader } from '../../src/recording/journal/journal-reader.ts';
import { Journal } from '../../src/recording/journal/journal.ts';
import { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import { LateLane, lateRecords, putLate } from '../../src/recording/writer/late-lane.ts';
import { Writer } from '../../src/recording/writer/writer.ts';
import { AuditTables } from '../support/audit-tables.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { anId, aPrompt, aStart } from '../support/record-events.ts';

/** As in production, only that all of it is quicker. */
const QUICK = { lockMs: 200, statementMs: 400, transactionMs: 1_000, silenceMs: 5_000 };
const PATIENT = { statementMs: 0, transactionMs: 60_000 };
const LARGE = 2 * 1024 * 1024;
/** The database takes this long for a large text: longer than a batch may. */
const SLEEP = `
  CREATE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF length(NEW.text) >= ${LARGE} THEN PERFORM pg_sleep(2); END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER take_long BEFORE INSERT ON prompts FOR EACH ROW EXECUTE FUNCTION take_long()`;

let directory: string;
let database: TestDatabase;
let tables: AuditTables;
let clients: PrismaClient[];
let failures: string[];

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'aibridge-slow-'));
  database = await createTestDatabase();
  tables = await AuditTables.open(database.url);
  clients = [];
  failures = [];
});

afterEach(async () => {
  await Promise.all(clients.map((client) => client.$disconnect()));
  await tables.close();
  await database.drop();
  await rm(directory, { recursive: true, force: true });
});

function aStore(limits: Parameters<typeof createPrismaClient>[1]['limits'] = {}) {
  const client = createPrismaClient(database.url, { poolMax: 1, limits });
  clients.push(client);
  return new PrismaRecordStore(client);
}

const reports = {
  unavailable: (reason: string) => failures.push(reason),
  available: () => undefined,
  setAside: () => expect.unreachable(),
  missing: () => expect.unreachable(),
  fellBack: () => expect.unreachable(),
  late: async (event: RecordEvent) => void (await putLate(directory, event)),
  storedLate: () => undefined,
  failed: (what: string, reason: string) => failures.push(`${what}: ${reason}`),
};

/** Writes the events to a journal and has a writer and a late lane at work until `task` is done. */
async function whileWritten(events: readonly RecordEvent[], task: () => unknown): Promise<void> {
  const [progress, clock] = [new JournalProgress(), new SystemClock()];
  const options = { directory, bytesMax: 64 * LARGE, isSynced: false, progress, clock };
  const journal = new Journal(options);
  for (const event of events) await journal.append(encodeLine(event), 1);
  const stop = new AbortController();
  const reader = new JournalReader(directory);
  const running = Promise.all([
    new Writer(aStore(QUICK), reports, clock, anId()).follow(reader, progress, stop.signal),
    new LateLane(aStore(PATIENT), reports, directory).run(stop.signal),
  ]);
  try {
    await task();
  } finally {
    stop.abort();
    await running;
    await reader.close();
    await journal.close();
  }
}

const count = async (table: string) => {
  const [row] = await tables.rows(`SELECT count(*)::int AS n FROM ${table}`);
  return row?.['n'];
};

it('a record that takes longer than a batch may is stored late, and holds nobody up', async () => {
  await tables.rows(SLEEP);
  const [before, slow, after] = [anId(), anId(), anId()];
  const large = aPrompt({ id: slow, text: 'x'.repeat(LARGE) });
  const events = [aStart({ id: before }), aStart({ id: slow }), large, aStart({ id: after })];
  await whileWritten(events, async () => {
    await expect.poll(() => count('interceptions')).toBe(3);
    expect(await count('prompts')).toBe(0);
    await expect.poll(() => count('prompts')).toBe(1);
    await expect.poll(() => lateRecords(directory)).toEqual([]);
  });
  expect(failures).toEqual([]);
});

it.each([
  ['a statement', { ...QUICK, transactionMs: 60_000 }],
  ['a transaction', { ...QUICK, statementMs: 0 }],
])('%s that takes too long is told from a database that is away', async (_, limits) => {
  await tables.rows(SLEEP);
  const failure = await aStore(limits).store([aPrompt({ text: 'x'.repeat(LARGE) }), aStart()]);
  expect(failure).toMatchObject({ kind: 'slow' });
});

it('a table that somebody has locked is waited for: nothing of it is late', async () => {
  const locker = new Client({ connectionString: database.url });
  await locker.connect();
  await locker.query('BEGIN; LOCK TABLE interceptions, prompts IN ACCESS EXCLUSIVE MODE');
  const id = anId();
  const starts = Array.from({ length: 3_000 }, () => aStart());
  const large = aPrompt({ id, text: 'x'.repeat(LARGE) });
  await whileWritten([...starts, aStart({ id }), large], async () => {
    await expect.poll(() => failures.length).toBeGreaterThan(3);
    await locker.query('COMMIT');
    await expect.poll(() => count('interceptions')).toBe(3_001);
    await expect.poll(() => count('prompts')).toBe(1);
  });
  expect(await lateRecords(directory)).toEqual([]);
  await locker.end();
});
