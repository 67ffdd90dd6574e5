import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import type { AuditTables } from '../support/audit-tables.ts';
import { createRecordsDatabase, type RecordsDatabase } from '../support/records-database.ts';
import {
  AT,
  anAttempt,
  anAttemptSoFar,
  anEnd,
  anId,
  aPrompt,
  aStart,
  aThought,
  aTool,
  aUsage,
} from '../support/record-events.ts';

let database: RecordsDatabase;
let store: PrismaRecordStore;
let tables: AuditTables;

beforeAll(async () => {
  database = await createRecordsDatabase(4);
  ({ store, tables } = database);
});

afterAll(() => database.drop());

const ALL = [
  'interceptions',
  'attempts',
  'token_usages',
  'prompts',
  'tool_usages',
  'tool_inputs',
  'thoughts',
] as const;

function dump() {
  return Promise.all(ALL.map((table) => tables.rows(`SELECT * FROM ${table} ORDER BY id`)));
}

async function interception(id: string) {
  const [row] = await tables.rows('SELECT * FROM interceptions WHERE id = $1', [id]);
  return row;
}

function aWhole(id: string) {
  return [
    aStart({ id }),
    anAttempt({ id, ordinal: 1, outcome: 'rate_limited', status: 429, cooldownMs: 5_000 }),
    anAttempt({ id, ordinal: 2 }),
    aUsage({ id, extra: { web_search_requests: 2 } }),
    aPrompt({ id }),
    aTool({ id }),
    aThought({ id }),
    anEnd({ id, attemptCount: 2, failedOver: true }),
  ];
}

test('stores every kind of event', async () => {
  const id = anId();
  expect(await store.store(aWhole(id))).toBeUndefined();
  expect(await interception(id)).toMatchObject({
    status: 'completed',
    credential_hint: 'sk-a...0001',
    credential_fingerprint: '0123456789ab',
    input_tokens: '10',
    attempt_count: 2,
    failed_over: true,
    duration_ms: 20,
    overhead_ms: 0.4,
  });
  expect(await tables.children('attempts', id)).toHaveLength(2);
  expect(await tables.children('token_usages', id)).toMatchObject([
    { input: '10', extra: { web_search_requests: 2 } },
  ]);
  expect(await tables.children('tool_usages', id)).toMatchObject([{ input: '{"path":"a"}' }]);
});

test('storing the same events again, in any cut, changes nothing', async () => {
  const events = aWhole(anId());
  await store.store(events);
  const once = await dump();
  await store.store(events);
  for (const event of events) await store.store([event]);
  expect(await dump()).toEqual(once);
});

describe('an end', () => {
  test('closes a record that was stored before', async () => {
    const id = anId();
    await store.store([aStart({ id })]);
    expect(await interception(id)).toMatchObject({ status: 'in_progress', ended_at: null });
    await store.store([anEnd({ id, status: 'failed', errorType: 'rate_limited' })]);
    expect(await interception(id)).toMatchObject({ status: 'failed', error_type: 'rate_limited' });
  });

  test('changes no other end, be it in the same batch or a later one', async () => {
    const id = anId();
    await store.store([
      aStart({ id }),
      anEnd({ id }),
      anEnd({ id, at: Date.UTC(2027, 0), status: 'failed' }),
    ]);
    await store.store([anEnd({ id, status: 'aborted' })]);
    expect(await interception(id)).toMatchObject({ status: 'completed' });
  });

  test('J4: leaves the hint of a caller’s own key alone', async () => {
    const id = anId();
    const own = { credentialKind: 'byok', credentialHint: 'sk-m...mine' } as const;
    await store.store([aStart({ id, ...own, credentialFingerprint: 'aaaaaaaaaaaa' })]);
    await store.store([anEnd({ id, credentialHint: 'sk-p...pool' })]);
    expect(await interception(id)).toMatchObject({
      credential_hint: 'sk-m...mine',
      credential_fingerprint: 'aaaaaaaaaaaa',
    });
  });

  test('puts right what was only presumed to be interrupted', async () => {
    const start = aStart();
    await store.store([start]);
    expect(await store.closeInterrupted(start.instanceId)).toBeGreaterThan(0);
    expect(await interception(start.id)).toMatchObject({ status: 'interrupted' });
    await store.store([anEnd({ id: start.id })]);
    expect(await interception(start.id)).toMatchObject({ status: 'completed', error_type: null });
  });
});

describe('an attempt that is under way', () => {
  test('is there while it is, and its end takes its row', async () => {
    const [id, rowId] = [anId(), anId()];
    await store.store([aStart({ id }), anAttemptSoFar({ id, rowId })]);
    expect(await tables.children('attempts', id)).toMatchObject([
      { id: rowId, outcome: 'in_progress', status: null, duration_ms: null },
    ]);
    await store.store([anAttemptSoFar({ id, rowId, status: 200 })]);
    expect(await tables.children('attempts', id)).toMatchObject([
      { outcome: 'in_progress', status: 200 },
    ]);
    await store.store([anAttempt({ id, rowId })]);
    expect(await tables.children('attempts', id)).toMatchObject([
      { outcome: 'served', status: 200, duration_ms: 12 },
    ]);
  });

  test('that began, as the journal has it, changes nothing when that is read once more', async () => {
    const [id, rowId] = [anId(), anId()];
    const events = [
      aStart({ id }),
      anAttemptSoFar({ id, rowId }),
      anAttemptSoFar({ id, rowId, status: 200 }),
      aUsage({ id, rowId: anId(), kind: 'usage_so_far', output: 1 }),
      anAttempt({ id, rowId }),
      anEnd({ id }),
    ];
    await store.store(events);
    const once = await dump();
    for (const event of [...events, ...events.toReversed()]) await store.store([event]);
    expect(await dump()).toEqual(once);
  });
});

test('usage that was known early is replaced by the whole, in either order', async () => {
  const [id, rowId] = [anId(), anId()];
  const soFar = aUsage({ id, rowId, kind: 'usage_so_far', output: 1 });
  await store.store([aStart({ id }), soFar]);
  expect(await tables.children('token_usages', id)).toMatchObject([{ output: '1' }]);
  await store.store([aUsage({ id, rowId })]);
  await store.store([soFar]);
  expect(await tables.children('token_usages', id)).toMatchObject([{ output: '5' }]);
});

describe('a process that is dead', () => {
  test('has its open records closed, and nobody else’s', async () => {
    const [dead, alive] = [anId(), anId()];
    const open = aStart({ instanceId: dead });
    const ended = aStart({ instanceId: dead });
    const others = aStart({ instanceId: alive });
    await store.store([open, ended, anEnd({ id: ended.id }), others]);
    expect(await store.closeInterrupted(dead)).toBe(1);
    expect(await interception(open.id)).toMatchObject({
      status: 'interrupted',
      error_type: 'interrupted',
    });
    expect(await interception(ended.id)).toMatchObject({ status: 'completed' });
    expect(await interception(others.id)).toMatchObject({ status: 'in_progress' });
  });

  test('is closed for a start that is stored late, once nobody says that it lives', async () => {
    const id = anId();
    const [before, late] = [aStart({ instanceId: id }), aStart({ instanceId: id })];
    await store.heartbeat({ id, version: '1', host: 'h' });
    await store.store([before]);
    await store.closeInterrupted(id, AT + 5_000);
    await store.store([late]);
    await store.heartbeat({ id, version: '1', host: 'h' });
    expect(await store.closeForgotten(id)).toBe(0);
    await tables.rows('DELETE FROM instances WHERE id = $1', [id]);
    expect(await store.closeForgotten(id)).toBe(1);
    for (const start of [before, late]) {
      expect(await interception(start.id)).toMatchObject({
        status: 'interrupted',
        duration_ms: 5_000,
      });
    }
  });

  test('is found by its silence, not before', async () => {
    const [mine, silent] = [anId(), anId()];
    const facts = { version: '1', host: 'h' };
    await store.heartbeat({ id: silent, ...facts });
    expect(await store.heartbeat({ id: mine, ...facts })).toEqual([]);
    await tables.rows(
      `UPDATE instances SET heartbeat_at = now() - interval '31 seconds' WHERE id = $1`,
      [silent],
    );
    expect(await store.heartbeat({ id: mine, ...facts })).toEqual([silent]);
    await store.closeInterrupted(silent);
    expect(await store.heartbeat({ id: mine, ...facts })).toEqual([]);
  });
});

test('text that PostgreSQL has no form for is kept in a readable one', async () => {
  const id = anId();
  const text = 'nul \0 high \ud83d low \udc00 fine 🦊 \\u0000';
  expect(
    await store.store([aStart({ id, userAgent: '\0' }), aPrompt({ id, text })]),
  ).toBeUndefined();
  expect(await tables.children('prompts', id)).toMatchObject([
    { text: 'nul \\u0000 high \\ud83d low \\udc00 fine 🦊 \\u0000' },
  ]);
});

describe('a batch that cannot be stored', () => {
  test('is rejected when its values are to blame, without quoting them', async () => {
    const failure = await store.store([aStart(), aPrompt({ rowId: 'my secret prompt' })]);
    expect(failure).toEqual({ kind: 'rejected', reason: 'SQLSTATE 22P02' });
  });

  test('is rejected when it lacks a value that this version writes', async () => {
    const failure = await store.store([Object.assign(aStart(), { userAgent: null })]);
    expect(failure).toEqual({ kind: 'rejected', reason: 'SQLSTATE 23502' });
  });

  // It can do nothing about what a later version asks for: the journal keeps it for that version.
  test.each([
    ['ADD CONSTRAINT later CHECK (length(text) > 100)', 'DROP CONSTRAINT later'],
    ['ADD COLUMN later TEXT NOT NULL', 'DROP COLUMN later'],
  ])('waits when a later version has said: %s', async (alteration, undone) => {
    await tables.rows('DELETE FROM prompts');
    await tables.rows(`ALTER TABLE prompts ${alteration}`);
    const failure = await store.store([aStart(), aPrompt()]);
    await tables.rows(`ALTER TABLE prompts ${undone}`);
    expect(failure).toMatchObject({ kind: 'unavailable' });
  });

  test('is all or nothing', async () => {
    const good = aStart();
    await store.store([good, anAttempt({ credentialHint: 'x'.repeat(16) })]);
    expect(await interception(good.id)).toBeUndefined();
  });

  test('tells which ends have no start, and takes those that are told again', async () => {
    const [open, ended, fresh] = [aStart(), aStart(), aStart()];
    await store.store([open, ended, anEnd({ id: ended.id })]);
    const [start, prompt, lost] = [aStart(), aPrompt(), anEnd()];
    const others = [open, ended, fresh].map(({ id }) => anEnd({ id }));
    const failure = await store.store([fresh, start, prompt, ...others, lost]);
    expect(failure).toMatchObject({ kind: 'unstarted', ids: [lost.id] });
    expect(await interception(start.id)).toBeUndefined();
    expect(await store.store([fresh, start, prompt, ...others])).toBeUndefined();
    expect(await interception(open.id)).toMatchObject({ status: 'completed' });
    expect(await interception(fresh.id)).toMatchObject({ status: 'completed' });
  });

  test('waits when the database is away', async () => {
    const away = createPrismaClient('postgresql://nobody@127.0.0.1:9/none', { poolMax: 1 });
    const failure = await new PrismaRecordStore(away).store([aStart()]);
    expect(failure).toMatchObject({ kind: 'unanswered' });
    await away.$disconnect();
  });
});
