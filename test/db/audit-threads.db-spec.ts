import { afterEach, beforeEach, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import { timeThreads } from '../../bench/thread-load.ts';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import type { RecordEvent, StartEvent } from '../../src/recording/journal/events.ts';
import { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import { createRecordsDatabase, type RecordsDatabase } from '../support/records-database.ts';
import { aStart, aTool, anEnd } from '../support/record-events.ts';

const AT = Date.UTC(2026, 5, 1);
const [A, B, C, D] = [1, 2, 3, 4].map((second) => uuidv7(AT + second * 1_000));

let database: RecordsDatabase;
let prisma: PrismaClient;
let store: PrismaRecordStore;

beforeEach(async () => {
  database = await createRecordsDatabase(1);
  ({ prisma, store } = database);
});

afterEach(() => database.drop());

/** One call of an agent: the result it carries, if any, and the tool that its answer asks for. */
function call(
  id: string | undefined,
  carries: string | readonly string[] | null,
  asksFor: string | null,
  facts: Partial<StartEvent> = {},
): RecordEvent[] {
  if (id === undefined) throw new Error('no id');
  const start = aStart({ id, correlatingToolCallIds: [carries ?? []].flat(), ...facts });
  const { initiatorId, sessionId } = start;
  return [
    start,
    ...(asksFor === null ? [] : [aTool({ id, toolCallId: asksFor, initiatorId, sessionId })]),
    anEnd({ id }),
  ];
}

const first = call(A, null, 'call-1');
const second = call(B, 'call-1', 'call-2');
const third = call(C, 'call-2', null);

async function links(): Promise<unknown[]> {
  const rows = await prisma.interception.findMany({ orderBy: { id: 'asc' } });
  return rows.map((row) => [row.threadParentId, row.threadRootId]);
}

it.each<[string, RecordEvent[][]]>([
  ['one after the other', [first, second, third]],
  ['in one batch', [[...first, ...second, ...third]]],
  ['twice', [[...first, ...second], second, third, third]],
  ['the parent last, by way of a slower replica', [third, second, first]],
  ['the middle last', [first, third, second]],
  ['the end of the chain first, the rest in one batch', [third, [...first, ...second]]],
])('links a chain of tool calls that is stored %s', async (_, batches) => {
  for (const batch of batches) expect(await store.store(batch)).toBeUndefined();
  expect(await links()).toEqual([
    [null, null],
    [A, A],
    [B, A],
  ]);
});

it('links nobody to the call of somebody else', async () => {
  await store.store(first);
  await store.store(call(B, 'call-1', null, { initiatorId: 'bob@corp' }));
  expect(await links()).toEqual([
    [null, null],
    [null, null],
  ]);
});

it('links nobody to a call of another session', async () => {
  await store.store(call(A, null, 'call-1', { sessionId: 'one' }));
  await store.store(call(B, 'call-1', 'call-1', { sessionId: 'two' }));
  await store.store(call(C, 'call-1', null));
  await store.store(call(D, 'call-1', null, { sessionId: 'one' }));
  expect(await links()).toEqual([
    [null, null],
    [null, null],
    [null, null],
    [A, A],
  ]);
});

it.each([[['call-1', 'call-2']], [['call-2', 'call-1']], [['call-0', 'call-2', 'call-3']]])(
  'links a call to the newest one that asked for any of its tool calls: %s',
  async (carries) => {
    await store.store(call(A, null, 'call-1'));
    await store.store(call(B, null, 'call-2'));
    await store.store(call(C, carries, null));
    expect(await links()).toEqual([
      [null, null],
      [null, null],
      [B, B],
    ]);
  },
);

it('moves all that hangs below a call that is linked late', async () => {
  await store.store(call(B, 'call-1', 'call-2'));
  await store.store(call(C, 'call-2', null));
  await store.store([...call(D, 'call-3', null), ...call(A, null, 'call-1')]);
  await store.store(call(C, 'call-2', 'call-3'));
  expect(await links()).toEqual([
    [null, null],
    [A, A],
    [B, A],
    [C, A],
  ]);
});

it('takes the newest call where a model numbers its calls from zero each time', async () => {
  await store.store(call(A, null, 'call-0'));
  await store.store(call(B, null, 'call-0'));
  await store.store(call(C, 'call-0', 'call-0'));
  await store.store(call(D, 'call-0', null));
  expect(await links()).toEqual([
    [null, null],
    [null, null],
    [B, B],
    [C, B],
  ]);
});

it('looks by halves for late links that are too many at once', async () => {
  const sessions = Array.from({ length: 8 }, (_, n) => `session-${n}`);
  const asking = sessions.map((sessionId) => call(uuidv7(AT), null, 'call-1', { sessionId }));
  const carrying = sessions.map((sessionId) => call(uuidv7(AT), 'call-1', null, { sessionId }));
  expect(await store.store(carrying.flat())).toBeUndefined();
  await prisma.$executeRaw`
    CREATE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_sleep(0.1); RETURN NEW; END $$`;
  await prisma.$executeRaw`
    CREATE TRIGGER take_long BEFORE UPDATE ON interceptions FOR EACH ROW EXECUTE FUNCTION take_long()`;
  const limits = { statementMs: 500 };
  const impatient = createPrismaClient(database.url, { poolMax: 1, limits });
  try {
    expect(await new PrismaRecordStore(impatient).store(asking.flat())).toBeUndefined();
  } finally {
    await impatient.$disconnect();
  }
  expect(await prisma.interception.count({ where: { threadRootId: { not: null } } })).toBe(8);
});

it('links with the next batch what it could not link after the commit', async () => {
  await store.store(third);
  const impatient = createPrismaClient(database.url, { poolMax: 2, limits: { lockMs: 200 } });
  const sending = new PrismaRecordStore(impatient);
  const mark = { instanceId: uuidv7(AT), position: 100, events: 0 };
  try {
    await prisma.$transaction(async (other) => {
      await other.$executeRaw`SELECT FROM interceptions WHERE id = ${C}::uuid FOR UPDATE`;
      expect(await sending.store(second, mark, 'none')).toMatchObject({ kind: 'unavailable' });
    });
    expect(await sending.markOf(mark.instanceId)).toEqual(mark);
    expect(await sending.store(second, mark, 'none')).toMatchObject({ kind: 'elsewhere' });
  } finally {
    await impatient.$disconnect();
  }
  expect(await links()).toEqual([
    [null, null],
    [B, B],
  ]);
});

// With a scan, the last part takes a dozen times as long as the first.
it('takes as long for a batch, however many calls are unlinked by the same id', async () => {
  const times = await timeThreads(store, { calls: 20_000, users: 1_200, parts: 4 });
  const [atFirst = 0, ...later] = times;
  expect(Math.min(...later.slice(-2))).toBeLessThan(3 * atFirst);
}, 120_000);
