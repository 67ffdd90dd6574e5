import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { aStart, anEnd } from '../support/record-events.ts';
import { until } from '../support/until.ts';

const AT = Date.UTC(2026, 5, 30, 23, 59);
const INSTANCE = '01a00000-0000-7000-8000-000000000001';

let database: TestDatabase;
let prisma: PrismaClient;
let store: PrismaRecordStore;

beforeEach(async () => {
  database = await createTestDatabase();
  prisma = createPrismaClient(database.url, { poolMax: 8 });
  store = new PrismaRecordStore(prisma);
});

afterEach(async () => {
  await prisma.$disconnect();
  await database.drop();
});

/** What the totals of one grain say of everybody, less what is nothing. */
async function totals(initiatorId = '', grain = 'month'): Promise<unknown> {
  const rows = await prisma.usageTotal.findMany({
    where: { grain, initiatorId, interceptions: { not: 0 } },
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
    const endings = await prisma.interceptionEnding.findMany({ orderBy: { position: 'asc' } });
    expect(endings.map((ending) => ending.interceptionId)).toEqual([second, first]);
    await until('both were announced', () => (heard === 2 ? true : undefined));
    await listener.end();
  });

  // A reader who has come to one position must not miss an earlier one that commits later.
  it('is the order of commits', async () => {
    const seen: bigint[] = [];
    const written = new AbortController();
    const reader = (async () => {
      while (!written.signal.aborted) {
        const rows = await prisma.interceptionEnding.findMany({
          where: { position: { gt: seen.at(-1) ?? 0n } },
          orderBy: { position: 'asc' },
        });
        seen.push(...rows.map((row) => row.position));
      }
    })();
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => {
        const id = uuidv7(AT + n);
        return store.store([aStart({ id }), anEnd({ id })]);
      }),
    );
    written.abort();
    await reader;
    const all = await prisma.interceptionEnding.findMany({ orderBy: { position: 'asc' } });
    const rest = all
      .map((row) => row.position)
      .filter((position) => position > (seen.at(-1) ?? 0n));
    expect([...seen, ...rest]).toEqual(all.map((row) => row.position));
    expect(all).toHaveLength(40);
  });
});
