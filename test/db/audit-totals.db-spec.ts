import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import type { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import { PrismaUsageTotals } from '../../src/recording/totals/prisma-usage-totals.ts';
import { createRecordsDatabase, type RecordsDatabase } from '../support/records-database.ts';
import { aStart, anEnd } from '../support/record-events.ts';
import { until } from '../support/until.ts';

const AT = Date.UTC(2026, 5, 30, 23, 59);
const INSTANCE = '01a00000-0000-7000-8000-000000000001';

let database: RecordsDatabase;
let prisma: PrismaClient;
let store: PrismaRecordStore;

beforeEach(async () => {
  database = await createRecordsDatabase();
  ({ prisma, store } = database);
});

afterEach(() => database.drop());

/** What the totals of one grain say of everybody once they are added up. */
async function totals(initiatorId = '', grain = 'month'): Promise<unknown> {
  await new PrismaUsageTotals(prisma).rollUp();
  const rows = await prisma.usageTotal.findMany({
    where: { grain, initiatorId },
    orderBy: { credentialHint: 'asc' },
  });
  return rows.map((row) => ({
    hint: row.credentialHint,
    interceptions: Number(row.interceptions),
    completed: Number(row.completed),
    interrupted: Number(row.interrupted),
    input: Number(row.inputTokens),
    durationMs: Number(row.durationMs),
  }));
}

const ONE = {
  hint: 'sk-a...0001',
  interceptions: 1,
  completed: 1,
  interrupted: 0,
  input: 10,
  durationMs: 20,
};

describe('the totals', () => {
  it('count a record once when it ends, however often it is written', async () => {
    const id = uuidv7(AT);
    const start = aStart({ id, at: AT });
    await store.store([start]);
    expect(await totals()).toEqual([]);
    await store.store([start, anEnd({ id })]);
    await store.store([anEnd({ id })]);
    await store.store([start, anEnd({ id })]);
    expect(await totals()).toEqual([ONE]);
    expect(await totals('alice@corp')).toEqual([ONE]);
  });

  it('count a record in the hour, day and month in which it started', async () => {
    const [late, early] = [uuidv7(AT), uuidv7(AT + 60_000)];
    await store.store([
      aStart({ id: late, at: AT }),
      aStart({ id: early, at: AT + 60_000 }),
      anEnd({ id: late, at: AT + 120_000 }),
      anEnd({ id: early, at: AT + 120_000 }),
    ]);
    await new PrismaUsageTotals(prisma).rollUp();
    const rows = await prisma.usageTotal.findMany({
      where: { initiatorId: '' },
      orderBy: [{ grain: 'asc' }, { startsAt: 'asc' }],
    });
    expect(rows.map((row) => [row.grain, row.startsAt.toISOString(), row.interceptions])).toEqual([
      ['day', '2026-06-30T00:00:00.000Z', 1n],
      ['day', '2026-07-01T00:00:00.000Z', 1n],
      ['hour', '2026-06-30T23:00:00.000Z', 1n],
      ['hour', '2026-07-01T00:00:00.000Z', 1n],
      ['month', '2026-06-01T00:00:00.000Z', 1n],
      ['month', '2026-07-01T00:00:00.000Z', 1n],
    ]);
  });

  it('take back what was presumed interrupted and ended after all', async () => {
    const id = uuidv7(AT);
    await store.store([aStart({ id, at: AT })]);
    await store.closeInterrupted(INSTANCE);
    expect(await totals()).toMatchObject([{ hint: '', interrupted: 1, input: 0 }]);
    await store.store([anEnd({ id })]);
    expect(await totals()).toEqual([ONE]);
  });

  it('stay when the records are purged', async () => {
    const id = uuidv7(AT);
    await store.store([aStart({ id, at: AT }), anEnd({ id })]);
    await prisma.interception.deleteMany();
    expect(await totals()).toEqual([ONE]);
  });

  it('are right when replicas write at the same time', async () => {
    const people = ['a', 'b', 'c', 'd', 'e'];
    const batches = Array.from({ length: 24 }, (_, batch) =>
      people
        .toSorted(() => (batch % 2) - 0.5)
        .flatMap((initiatorId) => {
          const id = uuidv7(AT);
          return { open: aStart({ id, at: AT, initiatorId }), end: anEnd({ id }) };
        }),
    );
    await Promise.all(
      batches.map(async (batch) => {
        await store.store(batch.filter((_, n) => n % 2 === 0).map(({ open }) => open));
        const failure = await store.store(batch.flatMap(({ open, end }) => [open, end]));
        expect(failure).toBeUndefined();
      }),
    );
    expect(await totals()).toMatchObject([{ interceptions: 120, input: 1_200 }]);
    expect(await totals('c', 'hour')).toMatchObject([{ interceptions: 24 }]);
  });
});

describe('the order of endings', () => {
  it('names every record once, when it ends, and wakes who listens', async () => {
    const listener = new Client({ connectionString: database.url });
    await listener.connect();
    let heard = 0;
    listener.on('notification', () => (heard += 1));
    await listener.query('LISTEN aibridge_endings');

    const [first, second] = [uuidv7(AT), uuidv7(AT + 1)];
    await store.store([aStart({ id: first }), aStart({ id: second })]);
    await store.store([anEnd({ id: second })]);
    await store.store([anEnd({ id: first }), anEnd({ id: second })]);
    const endings = await prisma.interceptionEnding.findMany({
      where: { position: { gt: 0 } },
      orderBy: [{ transaction: 'asc' }, { position: 'asc' }],
    });
    expect(endings.map((ending) => ending.interceptionId)).toEqual([second, first]);
    await until('both were announced', () => (heard === 2 ? true : undefined));
    await listener.end();
  });

  it('is that of the transactions of one writer, and within one that of the times', async () => {
    const ids = Array.from({ length: 6 }, (_, n) => uuidv7(AT + n));
    const [a = '', b = '', c = '', d = '', e = '', f = ''] = ids;
    await store.store(ids.map((id) => aStart({ id })));
    await store.store([anEnd({ id: c, at: AT + 3 }), anEnd({ id: a, at: AT + 2 })]);
    await store.store([
      anEnd({ id: f, at: AT + 6 }),
      anEnd({ id: b, at: AT + 1 }),
      anEnd({ id: e, at: AT + 5 }),
    ]);
    await store.store([anEnd({ id: d, at: AT + 4 })]);
    const endings = await prisma.interceptionEnding.findMany({
      where: { position: { gt: 0 } },
      orderBy: [{ transaction: 'asc' }, { position: 'asc' }],
    });
    expect(endings.map((ending) => ending.interceptionId)).toEqual([a, c, b, e, f, d]);
  });
});
