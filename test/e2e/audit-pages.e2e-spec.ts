import { afterAll, beforeAll, expect, it } from 'vitest';
import { assert, asyncProperty, constantFrom, integer } from 'fast-check';
import { uuidv7 } from '../../src/core/ids.ts';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import type { RecordEvent } from '../../src/recording/journal/events.ts';
import { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import { aStart, aTool, anEnd } from '../support/record-events.ts';
import { seeded } from '../support/seeded.ts';
import { ALICE, AUDITOR, BOB, startAuditSystem, type AuditSystem } from './audit-system.ts';

const REPLICAS = 3;
const HOUR_MS = 3_600_000;
const RUNS = { numRuns: 5 };

let audit: AuditSystem;
/** Each with connections of its own, as replicas have. */
const clients: ReturnType<typeof createPrismaClient>[] = [];

beforeAll(async () => {
  audit = await startAuditSystem();
  for (let replica = 0; replica < REPLICAS; replica += 1) {
    clients.push(createPrismaClient(audit.database.url, { poolMax: 1 }));
  }
  await written(arrivals(400, 1), 1);
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.$disconnect()));
  await audit.stop();
});

interface Arrival {
  readonly start: RecordEvent;
  readonly rest: readonly RecordEvent[];
}

/** Requests of the last hour, some of them in one millisecond. They have their ids before anything is written. */
function arrivals(
  count: number,
  seed: number,
  session = (n: number) => `s-${seed}-${n % 9}`,
): Arrival[] {
  const random = seeded(seed);
  const now = Date.now();
  return Array.from({ length: count }, (_, n) => {
    const at = n % 3 === 0 ? now : now - Math.floor(random() * HOUR_MS);
    const id = uuidOf(at, random);
    return {
      start: aStart({
        id,
        at,
        initiatorId: n % 2 === 0 ? ALICE.id : BOB.id,
        model: random() < 0.5 ? 'even' : 'odd',
        sessionId: session(n),
      }),
      rest: [
        ...(n % 5 === 0 ? [aTool({ id, at, rowId: uuidv7(at), tool: 'Bash' })] : []),
        anEnd({ id, at: at + 20 }),
      ],
    };
  });
}

/** As another process makes it: nothing orders the ids of two of them within a millisecond. */
function uuidOf(ms: number, random: () => number): string {
  const time = ms.toString(16).padStart(12, '0');
  const part = (length: number): string =>
    Math.floor(random() * 16 ** length)
      .toString(16)
      .padStart(length, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${part(3)}-8${part(3)}-${part(12)}`;
}

/**
 * Commits them in no order, from several replicas at once, a few at a time: starts and ends apart
 * or together, late ones after newer ones.
 */
async function written(all: readonly Arrival[], seed: number): Promise<void> {
  const random = seeded(seed);
  const shuffled = all
    .map((arrival) => ({ arrival, place: random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ arrival }) => arrival);
  const replicas = clients.map(async (client, replica) => {
    const store = new PrismaRecordStore(client);
    const own = shuffled.filter((_, n) => n % REPLICAS === replica);
    for (let next = 0; next < own.length;) {
      const batch = own.slice(next, next + 1 + Math.floor(random() * 8));
      next += batch.length;
      const starts = batch.map(({ start }) => start);
      const rest = batch.flatMap((arrival) => arrival.rest);
      const batches = random() < 0.5 ? [starts, rest] : [[...starts, ...rest]];
      for (const events of batches) {
        const failure = await store.store(events);
        if (failure !== undefined) throw new Error(failure.reason);
      }
    }
  });
  await Promise.all(replicas);
}

type Item = Readonly<Record<string, unknown>>;

/** All pages of a list. */
async function walk(path: string, limit: number): Promise<Item[]> {
  const seen: Item[] = [];
  for (let cursor = ''; ;) {
    const { status, body } = await audit.get(`${path}&limit=${limit}${cursor}`);
    expect(status).toBe(200);
    seen.push(...itemsOf(body));
    const { nextCursor } = body;
    if (typeof nextCursor !== 'string') return seen;
    cursor = `&cursor=${nextCursor}`;
  }
}

/** Of a page, or the turns of a session's. */
function itemsOf({ items, threads }: Item): Item[] {
  if (Array.isArray(items)) return items;
  return Array.isArray(threads) ? threads.flatMap((thread) => Object(thread).turns) : [];
}

/** What is asked while others write. */
async function meanwhile<T>(
  all: readonly Arrival[],
  seed: number,
  ask: () => Promise<T>,
): Promise<T> {
  const writing = written(all, seed);
  const [answer] = await Promise.all([ask(), writing]);
  return answer;
}

/** Everything that was there is seen, and nothing is seen twice. */
function expectOnce(there: readonly string[], seen: readonly string[]): void {
  const all = new Set(seen);
  expect(all.size).toBe(seen.length);
  expect(there.filter((id) => !all.has(id))).toEqual([]);
}

const nameOf = ({ id, initiator }: Item): string => `${String(id)} of ${Object(initiator).id}`;
const seeds = integer({ min: 2, max: 2 ** 31 - 1 });
const ids = (items: readonly Item[]): string[] => items.map(({ id }) => String(id));

const FILTERS: Readonly<Record<string, (item: Item) => boolean>> = {
  '': () => true,
  'model=even': ({ model }) => model === 'even',
  'model=even&model=odd&initiator=alice@corp': ({ initiator }) => Object(initiator).id === ALICE.id,
  'initiator=alice@corp&status=completed': ({ status }) => status === 'completed',
  'tool=Bash&model=odd': ({ model }) => model === 'odd',
  'minTokens=1&startedAfter=2026-01-01': ({ tokens }) => Object(tokens).input > 0,
};

it('shows every record that was there exactly once, while replicas write others', async () => {
  const property = asyncProperty(
    constantFrom(...Object.keys(FILTERS)),
    integer({ min: 20, max: 150 }),
    seeds,
    async (filter, limit, seed) => {
      const path = `/interceptions?${filter}`;
      const there = ids(await walk(path, 1_000));
      const items = await meanwhile(arrivals(45, seed), seed, () => walk(path, limit));
      const seen = ids(items);
      expectOnce(there, seen);
      expect(seen).toEqual(seen.toSorted().toReversed());
      expect(items.filter((item) => FILTERS[filter]?.(item) !== true)).toEqual([]);
    },
  );
  await assert(property, RUNS);
});

it('shows every session that was there exactly once, while it goes on and others begin', async () => {
  const property = asyncProperty(
    constantFrom('', 'model=even', 'initiator=alice@corp', 'status=completed'),
    integer({ min: 5, max: 40 }),
    seeds,
    async (filter, limit, seed) => {
      const path = `/sessions?${filter}`;
      const there = (await walk(path, 200)).map(nameOf);
      const busy = there.map((session) => session.split(' of ')[0] ?? '');
      // New turns of old sessions stand at their end: only the newest third is written to them.
      const others = arrivals(45, seed).filter((_, n) => n % 3 !== 0);
      const turns = arrivals(45, seed + 1, (n) => busy[n % busy.length] ?? '').filter(
        (_, n) => n % 3 === 0,
      );
      const seen = await meanwhile([...others, ...turns], seed, () => walk(path, limit));
      // One that begins meanwhile may be met again when a record that is older than its first is written.
      const old = new Set(there);
      expectOnce(
        there,
        seen.map(nameOf).filter((session) => old.has(session)),
      );
    },
  );
  await assert(property, RUNS);
});

it('shows every turn that was there exactly once, while a session goes on', async () => {
  let sessions = 0;
  const property = asyncProperty(integer({ min: 1, max: 30 }), seeds, async (limit, seed) => {
    // Small seeds are drawn often, and one twice now and then.
    const session = `long-${(sessions += 1)}`;
    const path = `/sessions/${session}?initiator=${ALICE.id}`;
    await written(
      arrivals(60, seed, () => session),
      seed,
    );
    const there = ids(await walk(path, 1_000));
    const more = arrivals(40, seed + 1, () => session);
    const seen = ids(await meanwhile(more, seed, () => walk(path, limit)));
    expectOnce(there, seen);
    expect(there).toHaveLength(30);
  });
  await assert(property, RUNS);
});

it('exports every record that was there exactly once, cut off anywhere and gone on with', async () => {
  const property = asyncProperty(
    constantFrom('', '&model=even', '&status=completed'),
    integer({ min: 1, max: 300 }),
    seeds,
    async (filter, taken, seed) => {
      const there = ids(await walk(`/interceptions?${filter}`, 1_000));
      const seen = await meanwhile(arrivals(45, seed), seed, async () => {
        const first = (await exported(filter)).slice(0, taken);
        const last = first.at(-1) ?? '';
        return [...first, ...(await exported(`${filter}&cursor=${last}`))];
      });
      expectOnce(there, seen);
    },
  );
  await assert(property, RUNS);
});

async function exported(query: string): Promise<string[]> {
  const res = await audit.request(`/interceptions/export?format=ndjson${query}`, AUDITOR);
  const lines = (await res.text()).split('\n').slice(0, -1);
  return lines.map((line) => String(Object(JSON.parse(line)).id));
}

function late(ms: number): RecordEvent {
  return aStart({ id: uuidOf(ms, seeded(ms)), at: ms, initiatorId: 'late@corp' });
}

// A request keeps the place of its arrival, however late its record is written.
it('shows a record that is written late where it belongs, to those who come by there later', async () => {
  const now = Date.now();
  await audit.store(...[1, 2, 3, 4].map((hours) => late(now - hours * HOUR_MS)));
  const path = '/interceptions?initiator=late@corp';
  const there = ids(await walk(path, 10));
  const first = await audit.get(`${path}&limit=2`);
  const [passed, ahead] = [late(now), late(now - 3.5 * HOUR_MS)];
  await audit.store(passed, ahead);
  const next = await audit.get(`${path}&limit=10&cursor=${String(first.body['nextCursor'])}`);
  const seen = ids([...itemsOf(first.body), ...itemsOf(next.body)]);
  expectOnce([...there, ahead.id], seen);
  expect(seen).not.toContain(passed.id);
});
