import { afterEach, beforeEach, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import type { RecordEvent, StartEvent } from '../../src/recording/journal/events.ts';
import { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { aStart, aTool, anEnd } from '../support/record-events.ts';

const AT = Date.UTC(2026, 5, 1);
const [A, B, C, D] = [1, 2, 3, 4].map((second) => uuidv7(AT + second * 1_000));

let database: TestDatabase;
let prisma: PrismaClient;
let store: PrismaRecordStore;

beforeEach(async () => {
  database = await createTestDatabase();
  prisma = createPrismaClient(database.url, { poolMax: 1 });
  store = new PrismaRecordStore(prisma);
});

afterEach(async () => {
  await prisma.$disconnect();
  await database.drop();
});

/** One call of an agent: the result it carries, if any, and the tool that its answer asks for. */
function call(
  id: string | undefined,
  carries: string | null,
  asksFor: string | null,
  facts: Partial<StartEvent> = {},
): RecordEvent[] {
  if (id === undefined) throw new Error('no id');
  return [
    aStart({ id, correlatingToolCallId: carries, ...facts }),
    ...(asksFor === null ? [] : [aTool({ id, toolCallId: asksFor })]),
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
