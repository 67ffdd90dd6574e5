import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EndingsBellService } from '../../src/audit/live/endings-bell.service.ts';
import { liveEventId, placeOf } from '../../src/audit/live/live-event-id.ts';
import { LiveTailService } from '../../src/audit/live/live-tail.service.ts';
import type { EndingKey, Place } from '../../src/audit/live/place.ts';
import { foundSql, lookSql, PrismaEndings } from '../../src/audit/live/prisma-endings.ts';
import { filterSchema } from '../../src/audit/question/interception-filter.ts';
import { parseConfig } from '../../src/config/index.ts';
import { firstIdAt, uuidv7 } from '../../src/core/ids.ts';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import { DatabaseService } from '../../src/database/index.ts';
import type { Prisma, PrismaClient } from '../../src/generated/prisma/client.ts';
import { PrismaPartitions } from '../../src/recording/partitions/prisma-partitions.ts';
import { PrismaPurgeStore } from '../../src/recording/retention/prisma-purge-store.ts';
import { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { aStart, anEnd } from '../support/record-events.ts';
import { until } from '../support/until.ts';

const AT = Date.UTC(2026, 5, 30, 23, 59);
const ALL = { scope: { kind: 'everybody' }, filter: {} } as const;

let testDatabase: TestDatabase;
let database: DatabaseService;
let prisma: PrismaClient;
let store: PrismaRecordStore;
let endings: PrismaEndings;
let tail: LiveTailService;
let writers: Client[] = [];

beforeEach(async () => {
  testDatabase = await createTestDatabase();
  const parsed = parseConfig({ DATABASE_URL: testDatabase.url }, { readFile: () => '' });
  if (parsed.kind === 'invalid') throw new Error(parsed.problems.join('\n'));
  database = new DatabaseService(parsed.config);
  database.open();
  await database.ready;
  prisma = createPrismaClient(testDatabase.url, { poolMax: 8 });
  store = new PrismaRecordStore(prisma);
  endings = new PrismaEndings(database);
  tail = new LiveTailService(endings, new EndingsBellService(database, endings));
});

afterEach(async () => {
  for (const writer of writers) await writer.end();
  writers = [];
  await prisma.$disconnect();
  await database.close();
  await testDatabase.drop();
});

/** Records that have not ended, by their ids. */
async function begun(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => uuidv7(AT));
  expect(await store.store(ids.map((id) => aStart({ id, at: AT })))).toBeUndefined();
  return ids;
}

/** A transaction that a test begins, writes in and ends when it likes. */
class Writer {
  private constructor(readonly client: Client) {}

  static async begin(): Promise<Writer> {
    const client = new Client({ connectionString: testDatabase.url });
    await client.connect();
    writers.push(client);
    await client.query('BEGIN; SELECT pg_current_xact_id()');
    return new Writer(client);
  }

  async ends(...ids: readonly string[]): Promise<this> {
    await this.client.query(
      `INSERT INTO interception_endings (transaction, interception_id)
       SELECT pg_current_xact_id()::text::bigint, id
       FROM unnest($1::uuid[]) WITH ORDINALITY AS given(id, n) ORDER BY n`,
      [ids],
    );
    return this;
  }

  async commit(): Promise<void> {
    await this.client.query('COMMIT');
  }
}

async function ended(...ids: readonly string[]): Promise<void> {
  await (await (await Writer.begin()).ends(...ids)).commit();
}

interface Shown {
  readonly id: string;
  readonly eventId: string;
}

/** Follows the endings from a place by pages that look at so many. */
class Reader {
  readonly shown: Shown[] = [];
  readonly #window: number;
  #place: Place;

  private constructor(place: Place, window: number) {
    this.#place = place;
    this.#window = window;
  }

  static async begin(window = 100): Promise<Reader> {
    return new Reader((await tail.start(undefined)).place, window);
  }

  static after(eventId: string, window = 100): Reader {
    const place = placeOf(eventId);
    if (place === undefined) throw new Error(`no id of an event: ${eventId}`);
    return new Reader(place, window);
  }

  get ids(): string[] {
    return this.shown.map(({ id }) => id);
  }

  get eventId(): string {
    return liveEventId(this.#place);
  }

  /** Whether there may be more. */
  async page(): Promise<boolean> {
    const { items, place, hasMore } = await endings.after(this.#place, ALL, this.#window);
    const shown = items.map((item) => ({
      id: item.interception.id,
      eventId: liveEventId(item.place),
    }));
    this.shown.push(...shown);
    this.#place = place;
    return hasMore;
  }

  async readAll(): Promise<string[]> {
    while (await this.page());
    return this.ids;
  }
}

/** That whoever breaks off after any event is shown the rest, and nothing else. */
async function expectToResume(
  { shown }: Reader,
  all: readonly string[],
  window = 3,
): Promise<void> {
  const had: string[] = [];
  for (const { id, eventId } of shown) {
    had.push(id);
    const rest = await Reader.after(eventId, window).readAll();
    expect([...had, ...rest].toSorted()).toEqual(all.toSorted());
  }
}

describe('a reader of the live tail', () => {
  it('sees both of two whose transactions commit in the other order, each once', async () => {
    const [first = '', second = ''] = await begun(2);
    const reader = await Reader.begin();
    const [early, late] = [await Writer.begin(), await Writer.begin()];
    await early.ends(first);
    await late.ends(second);
    await late.commit();
    expect(await reader.readAll()).toEqual([second]);
    await early.commit();
    expect(await reader.readAll()).toEqual([second, first]);
    expect(await reader.readAll()).toEqual([second, first]);
    await expectToResume(reader, [first, second]);
  });

  it('sees what was written under a lower position and a higher transaction, and the other way round', async () => {
    const ids = await begun(4);
    const [a = '', b = '', c = '', d = ''] = ids;
    const reader = await Reader.begin();
    const [first, second] = [await Writer.begin(), await Writer.begin()];
    await second.ends(a);
    await first.ends(b);
    await second.ends(c);
    await first.ends(d);
    await first.commit();
    expect(await reader.readAll()).toEqual([b, d]);
    await second.commit();
    expect(await reader.readAll()).toEqual([b, d, a, c]);
    await expectToResume(reader, ids);
  });

  it('waits for no transaction, however long it has been running, and sees it in the end', async () => {
    const [old = '', ...ids] = await begun(8);
    const reader = await Reader.begin(2);
    const slow = await (await Writer.begin()).ends(old);
    for (const id of ids) {
      await ended(id);
      expect((await reader.readAll()).at(-1)).toBe(id);
    }
    await slow.commit();
    expect(await reader.readAll()).toEqual([...ids, old]);
    await expectToResume(reader, [...ids, old]);
  });

  it('goes on in the middle of a transaction, and sees what has become visible before it', async () => {
    const [late = '', ...ids] = await begun(6);
    const reader = await Reader.begin(2);
    const slow = await (await Writer.begin()).ends(late);
    await ended(...ids);
    expect(await reader.page()).toBe(true);
    expect(reader.ids).toEqual(ids.slice(0, 2));
    await slow.commit();
    expect(await reader.readAll()).toEqual([...ids, late]);
    await expectToResume(reader, [late, ...ids]);
  });

  it('sees each once that many write at the same time, and the rest after every one of them', async () => {
    const ids = await begun(60);
    const reader = await Reader.begin(7);
    const writing = Array.from({ length: 8 }, async (_, writer) => {
      const own = ids.filter((__, n) => n % 8 === writer);
      for (const id of own) {
        expect(await store.store([anEnd({ id, at: AT + 1 })])).toBeUndefined();
      }
    });
    const written = new AbortController();
    const all = Promise.all(writing).finally(() => written.abort());
    while (!written.signal.aborted) await reader.page();
    await all;
    expect((await reader.readAll()).toSorted()).toEqual(ids.toSorted());
    await expectToResume(reader, ids, 25);
  });

  it('never sees what was rolled back', async () => {
    const [gone = '', kept = ''] = await begun(2);
    const reader = await Reader.begin();
    const writer = await (await Writer.begin()).ends(gone);
    expect(await reader.readAll()).toEqual([]);
    await writer.client.query('ROLLBACK');
    await ended(kept);
    expect(await reader.readAll()).toEqual([kept]);
  });

  it('gets past endings that are none of its own by so many at once', async () => {
    const ids = await begun(9);
    const bobs = uuidv7(AT);
    await store.store([aStart({ id: bobs, at: AT, initiatorId: 'bob@corp' })]);
    let { place } = await tail.start(undefined);
    await ended(...ids);
    await ended(bobs);
    const own = { scope: { kind: 'own', initiatorId: 'bob@corp' }, filter: {} } as const;
    const pages: string[][] = [];
    for (let hasMore = true; hasMore;) {
      const page = await endings.after(place, own, 4);
      pages.push(page.items.map(({ interception }) => interception.id));
      ({ place, hasMore } = page);
    }
    expect(pages).toEqual([[], [], [bobs]]);
  });
});

/** The keys of the endings, in order. */
async function keys(): Promise<EndingKey[]> {
  return prisma.interceptionEnding.findMany({
    where: { transaction: { gt: 0n } },
    orderBy: [{ transaction: 'asc' }, { position: 'asc' }],
  });
}

/** Keeps so many of the newest, as soon as nobody else on the server has a transaction open. */
async function purgeTo(kept: number): Promise<void> {
  const purges = new PrismaPurgeStore(prisma);
  await until(`${kept} are kept`, async () => {
    await purges.purgeEndings(kept);
    return (await keys()).length === kept ? true : undefined;
  });
}

async function hasGap(place: Place): Promise<boolean> {
  return (await tail.start(placeOf(liveEventId(place)))).hasGap;
}

describe('a gap', () => {
  it('is told when endings after an event may have been purged, and only then', async () => {
    const ids = await begun(9);
    for (const id of ids) await ended(id);
    const places = (await keys()).map((last): Place => ({
      seen: { end: last.transaction, running: [] },
      last,
    }));
    for (const place of places) expect(await hasGap(place)).toBe(false);

    await purgeTo(4);
    const gaps = await Promise.all(places.map(hasGap));
    expect(gaps).toEqual([true, true, true, true, true, true, false, false, false]);
    const { items } = await endings.after(places[0] ?? { seen: { end: 1n, running: [] } }, ALL);
    expect(items.map(({ interception }) => interception.id)).toEqual(ids.slice(5));
  });

  it('is told of a transaction that was running then and is purged in part', async () => {
    const ids = await begun(5);
    await ended(...ids);
    const [first] = await keys();
    const transaction = first?.transaction ?? 0n;
    const place: Place = { seen: { end: transaction + 1n, running: [transaction] } };
    expect(await hasGap(place)).toBe(false);
    await prisma.$executeRaw`DELETE FROM interception_endings WHERE position < 3`;
    expect(await hasGap(place)).toBe(true);
  });

  it('is told to nobody who came before the first ending of all, while none is purged', async () => {
    const { place } = await tail.start(undefined);
    await ended(...(await begun(2)));
    expect(await new PrismaPurgeStore(prisma).purgeEndings(3)).toBe(0);
    expect(await hasGap(place)).toBe(false);
    await purgeTo(0);
    await ended(...(await begun(1)));
    expect(await hasGap(place)).toBe(true);
  });

  // What it is still to write would come before what has gone, and nobody could tell.
  it('does not open behind a transaction that is still running', async () => {
    const [late = '', ...ids] = await begun(6);
    const slow = await (await Writer.begin()).ends(late);
    const reader = await Reader.begin();
    for (const id of ids) await ended(id);
    await new PrismaPurgeStore(prisma).purgeEndings(0);
    expect(await reader.readAll()).toEqual(ids);
    await slow.commit();
    expect(await reader.readAll()).toEqual([...ids, late]);
    await purgeTo(0);
  });

  it('is told of an event that this database has not come to', async () => {
    const seen = { end: 1n << 40n, running: [] };
    const start = await tail.start({ seen });
    expect(start.hasGap).toBe(true);
    const [id = ''] = await begun(1);
    await ended(id);
    expect(await endings.after(start.place, ALL)).toMatchObject({ items: [{}], isLost: false });

    const lost = await endings.after({ seen }, ALL);
    expect(lost).toMatchObject({ items: [], isLost: true });
    expect(lost.place.seen.end).toBeGreaterThan(start.place.seen.end);
  });
});

// A dump keeps the numbers of transactions; the server that it is restored to counts its own.
it('forgets the endings of a server from which the database was restored', async () => {
  const reader = await Reader.begin();
  const [alien = '', own = ''] = await begun(2);
  await prisma.$executeRaw`
    INSERT INTO interception_endings (transaction, interception_id)
    VALUES (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000000, ${alien}::uuid)`;
  await ended(own);
  expect(await reader.readAll()).toEqual([own]);
  const purges = new PrismaPurgeStore(prisma);
  expect(await purges.purgeEndings(1_000_000)).toBe(1);
  const left = await prisma.interceptionEnding.findMany({ where: { transaction: { gt: 0n } } });
  expect(left).toMatchObject([{ interceptionId: own }]);
});

describe('a look', () => {
  interface Node {
    readonly 'Node Type': string;
    readonly 'Relation Name'?: string;
    readonly 'Actual Loops': number;
    readonly 'Actual Rows': number;
    readonly 'Rows Removed by Filter'?: number;
    readonly Plans?: readonly Node[];
  }

  async function executed({ text, values }: Prisma.Sql): Promise<Node[]> {
    const client = new Client({ connectionString: testDatabase.url });
    writers.push(client);
    await client.connect();
    const { rows } = await client.query<{ 'QUERY PLAN': { Plan: Node }[] }>(
      `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
      values,
    );
    const nodes = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodes)];
    return rows
      .flatMap((row) => row['QUERY PLAN'].flatMap(({ Plan }) => nodes(Plan)))
      .filter((node) => node['Relation Name'] !== undefined && node['Actual Loops'] > 0);
  }

  /** Rows that were read of tables, be they used or not. */
  function rowsRead(nodes: readonly Node[]): number {
    const read = nodes.map(
      (node) =>
        node['Actual Loops'] * (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)),
    );
    return read.reduce((sum, rows) => sum + rows, 0);
  }

  const MONTHS = 12;
  const PER_MONTH = 1_000;

  /** Ids of records of a year, the oldest first, all of which have ended. */
  async function aYear(): Promise<string[]> {
    const months = Array.from({ length: MONTHS }, (_, month) => Date.UTC(2026, month, 10));
    await new PrismaPartitions(prisma, 'month').make(months[0] ?? 0, months.at(-1) ?? 0);
    const ids = months.flatMap((at) =>
      Array.from({ length: PER_MONTH }, (_, n) => firstIdAt(at + n)),
    );
    await prisma.$executeRaw`
      INSERT INTO interceptions (id, instance_id, started_at, initiator_id, provider_type,
        provider_name, model, requested_model, api, route, method, streaming, client, user_agent,
        credential_kind, credential_hint, status)
      SELECT id, id, now(), 'person-' || n % 100, 'anthropic', 'anthropic', 'm', 'm', 'messages',
        '/v1/messages', 'POST', false, 'c', 'c/1', 'centralized', '', 'completed'
      FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS given(id, n)`;
    await ended(...ids);
    await prisma.$executeRaw`ANALYZE`;
    return ids;
  }

  it('reads each of the records that it looks for from one partition, by its id', async () => {
    const ids = await aYear();
    const filter = filterSchema.parse({ status: 'completed', initiator: 'person-7', text: 'x' });
    for (const question of [ALL, { ...ALL, filter }]) {
      const across = ids.filter((_, n) => n % 100 === 0);
      const nodes = await executed(foundSql(across, question));
      const records = nodes.filter((node) => node['Relation Name']?.startsWith('interceptions'));
      expect(new Set(records.map((node) => node['Node Type']))).toEqual(new Set(['Index Scan']));
      expect(rowsRead(nodes)).toBeLessThanOrEqual(across.length);
      expect(records.map((node) => node['Actual Loops'])).toEqual(
        Array<number>(MONTHS).fill(across.length / MONTHS),
      );

      const newest = await executed(foundSql(ids.slice(-50), question));
      const tables = newest.map((node) => node['Relation Name'] ?? '');
      expect(tables.filter((table) => table.startsWith('interceptions'))).toEqual([
        'interceptions_20261201',
      ]);
    }
  });

  it('reads of the endings what it has not seen, however long a transaction has been running', async () => {
    await aYear();
    const slow = await Writer.begin();
    const { rows } = await slow.client.query<{ id: string }>(
      'SELECT pg_current_xact_id()::text::bigint AS id',
    );
    await ended(...(await begun(5_000)));
    const { now } = await endings.look(undefined, 0);
    expect(now.running).toContain(BigInt(rows[0]?.id ?? 0));
    await ended(...(await begun(10)));

    const place: Place = { seen: now };
    expect(rowsRead(await executed(lookSql(place, 2_000)))).toBeLessThanOrEqual(11);
    const { endings: found } = await endings.look(place, 2_000);
    const last = found[3];
    expect(found).toHaveLength(10);
    const within: Place = { seen: { ...now, end: last?.transaction ?? 0n }, ...(last && { last }) };
    expect(rowsRead(await executed(lookSql(within, 2_000)))).toBeLessThanOrEqual(11);
  });
});
