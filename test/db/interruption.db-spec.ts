import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import type { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import { PrismaUsageTotals } from '../../src/recording/totals/prisma-usage-totals.ts';
import type { AuditTables } from '../support/audit-tables.ts';
import { createRecordsDatabase, type RecordsDatabase } from '../support/records-database.ts';
import {
  anAttempt,
  anAttemptSoFar,
  anEnd,
  anId,
  aStart,
  AT,
  aUsage,
} from '../support/record-events.ts';

let database: RecordsDatabase;
let prisma: PrismaClient;
let store: PrismaRecordStore;
let tables: AuditTables;

beforeAll(async () => {
  database = await createRecordsDatabase(4);
  ({ prisma, store, tables } = database);
});

afterAll(() => database.drop());

function interception(id: string) {
  return tables.rows('SELECT * FROM interceptions WHERE id = $1', [id]).then(([row]) => row);
}

const aKey = (ordinal: number) => ({
  ordinal,
  credentialHint: `sk-a...000${ordinal}`,
  credentialFingerprint: `${ordinal}23456789abc`,
  startedAt: AT + ordinal * 100,
});
const LIVED_MS = 4_321;

/** One key refused, the next one's answer under way. */
function anOpen(facts: Parameters<typeof aStart>[0] = {}) {
  const [id, instanceId] = [anId(), anId()];
  const events = [
    aStart({ id, instanceId, ...facts }),
    anAttempt({ id, ...aKey(1), status: 429, outcome: 'rate_limited' }),
    anAttemptSoFar({ id, ...aKey(2), status: 200 }),
    aUsage({ id, kind: 'usage_so_far', input: 9, output: 1 }),
  ];
  return { id, instanceId, events };
}

test('what a dead process left open names the last key that was begun with, and all that was known', async () => {
  const { id, instanceId, events } = anOpen();
  await store.store(events);
  expect(await store.closeInterrupted(instanceId, AT + LIVED_MS)).toBe(1);
  expect(await interception(id)).toMatchObject({
    status: 'interrupted',
    credential_hint: 'sk-a...0002',
    credential_fingerprint: '223456789abc',
    upstream_status: 200,
    attempt_count: 2,
    failed_over: true,
    input_tokens: '9',
    output_tokens: '1',
    usage_source: 'partial',
    duration_ms: LIVED_MS,
    ended_at: new Date(AT + LIVED_MS),
  });
  expect(await tables.children('attempts', id)).toMatchObject([
    { outcome: 'rate_limited', duration_ms: 12 },
    { outcome: 'interrupted', status: 200, duration_ms: LIVED_MS - 200 },
  ]);
});

test('it has no status of an answer when a refused key was the last one', async () => {
  const { id, instanceId, events } = anOpen();
  await store.store(events.slice(0, 2));
  await store.closeInterrupted(instanceId, AT + LIVED_MS);
  expect(await interception(id)).toMatchObject({
    credential_hint: 'sk-a...0001',
    upstream_status: null,
    attempt_count: 1,
    failed_over: false,
    usage_source: 'none',
  });
});

test('it keeps the hint of a caller’s own key', async () => {
  const own = { credentialKind: 'byok', credentialHint: 'sk-m...mine' } as const;
  const { id, instanceId, events } = anOpen(own);
  await store.store(events);
  await store.closeInterrupted(instanceId);
  expect(await interception(id)).toMatchObject({ credential_hint: 'sk-m...mine' });
});

test('it is put right, and counted once, by what its journal tells later', async () => {
  const { id, instanceId, events } = anOpen({ initiatorId: anId() });
  await store.store(events.slice(0, 1));
  await store.closeInterrupted(instanceId);
  expect(await interception(id)).toMatchObject({ credential_hint: '', attempt_count: 0 });
  await store.store(events);
  expect(await store.closeInterrupted(instanceId, AT + LIVED_MS)).toBe(0);
  const put = { attempt_count: 2, duration_ms: LIVED_MS, output_tokens: '1' };
  expect(await interception(id)).toMatchObject(put);
  expect(await totalsOf(id)).toEqual([
    { interrupted: '1', attempts: '2', output: '1', duration: String(LIVED_MS) },
  ]);

  await store.store([anAttempt({ id, ...aKey(2) }), aUsage({ id }), anEnd({ id })]);
  expect(await interception(id)).toMatchObject({ status: 'completed', duration_ms: 20 });
  expect(await totalsOf(id)).toEqual([
    { interrupted: '0', attempts: '1', output: '5', duration: '20' },
  ]);
});

// Its end was damaged, or refused: it has been open for as long as the process that lost it.
test('it is closed also when it was open for months', async () => {
  const { id, instanceId, events } = anOpen();
  const months = 90 * 86_400_000;
  await store.store(events);
  expect(await store.closeInterrupted(instanceId, AT + months)).toBe(1);
  expect(await interception(id)).toMatchObject({
    status: 'interrupted',
    duration_ms: 2_147_483_647,
    ended_at: new Date(AT + months),
  });
});

test('what ends while it is being given up has ended, and is counted as that alone', async () => {
  const { id, instanceId, events } = anOpen({ initiatorId: anId() });
  await store.store(events);
  const other = new Client({ connectionString: database.url });
  await other.connect();
  await other.query('BEGIN');
  await other.query('SELECT FROM interceptions WHERE id = $1 FOR UPDATE', [id]);
  const ending = store.store([anEnd({ id })]);
  await expect.poll(waiting).toBe(1);
  const givingUp = store.closeInterrupted(instanceId, AT + LIVED_MS);
  await expect.poll(waiting).toBe(2);
  await other.query('COMMIT');
  await other.end();
  await Promise.all([ending, givingUp]);

  expect(await interception(id)).toMatchObject({ status: 'completed', duration_ms: 20 });
  expect(await totalsOf(id)).toEqual([
    { interrupted: '0', attempts: '1', output: '5', duration: '20' },
  ]);
});

async function waiting(): Promise<number> {
  const rows = await tables.rows(`SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'`);
  return rows.length;
}

/** What is counted for its initiator, who has nothing else. */
async function totalsOf(id: string) {
  await new PrismaUsageTotals(prisma).rollUp();
  return tables.rows(
    `SELECT interrupted::text, attempts::text, output_tokens::text AS output,
         duration_ms::text AS duration
       FROM usage_totals WHERE grain = 'hour' AND initiator_id =
         (SELECT initiator_id FROM interceptions WHERE id = $1)`,
    [id],
  );
}
