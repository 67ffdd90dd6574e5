import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { facetQuerySchema, type Facet } from '../../src/audit/facets/facet-shape.ts';
import { facetSql } from '../../src/audit/facets/prisma-facets.ts';
import type { Scope } from '../../src/audit/question/scope.ts';
import { usageSql } from '../../src/audit/usage/prisma-usage.ts';
import { toUsage, type UsageRow } from '../../src/audit/usage/usage-row.ts';
import { usageQuerySchema, type Usage } from '../../src/audit/usage/usage-shape.ts';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import type { RecordEvent, StartEvent } from '../../src/recording/journal/events.ts';
import { PrismaPurgeStore } from '../../src/recording/retention/prisma-purge-store.ts';
import { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import { PrismaUsageTotals } from '../../src/recording/totals/prisma-usage-totals.ts';
import type { AuditTables } from '../support/audit-tables.ts';
import { createRecordsDatabase, type RecordsDatabase } from '../support/records-database.ts';
import { anEnd, anId, aStart } from '../support/record-events.ts';
import { until } from '../support/until.ts';
import { usageOfRecords, type UsageQuestion } from '../support/usage-of-records.ts';
import { aStory, idAt, type Deed, type Story } from '../support/writers-story.ts';

const HOUR = 3_600_000;
/** Of a month, so that hours, days and months all end soon. */
const END = Date.UTC(2026, 6, 1);

let database: RecordsDatabase;
let tables: AuditTables;
let prisma: PrismaClient;
let store: PrismaRecordStore;
let totals: PrismaUsageTotals;
let clients: Client[];

beforeEach(async () => {
  database = await createRecordsDatabase(4);
  ({ prisma, store, tables } = database);
  totals = new PrismaUsageTotals(prisma);
  clients = [];
});

afterEach(async () => {
  for (const client of clients) await client.end();
  await database.drop();
});

/** One that has ended, all in one. */
function aRecord(
  facts: Parameters<typeof aStart>[0] = {},
  end: Parameters<typeof anEnd>[0] = {},
): RecordEvent[] {
  const at = facts.at ?? END;
  const id = idAt(at);
  return [aStart({ id, at, ...facts }), anEnd({ id, at: at + 20, ...end })];
}

async function stored(...events: readonly RecordEvent[]): Promise<void> {
  expect(await store.store(events)).toBeUndefined();
}

interface Open {
  readonly start: StartEvent;
  readonly end: RecordEvent;
}

/** One of a process of its own, and how it will end. */
function anOpen(model: string, at = END): Open {
  const id = idAt(at);
  return {
    start: aStart({ id, at, model, instanceId: anId() }),
    end: anEnd({ id, at: at + 20 }),
  };
}

/** As far as is known, until they end. */
async function interrupted(...open: readonly Open[]): Promise<void> {
  await stored(...open.map(({ start }) => start));
  for (const { start } of open) await store.closeInterrupted(start.instanceId);
  await totals.rollUp();
}

async function count(what: string): Promise<number> {
  const [row] = await tables.rows(`SELECT count(*)::int AS n FROM ${what}`);
  return Number(row?.['n']);
}

const dayRows = (initiatorId: string): Promise<number> =>
  count(`usage_totals WHERE grain = 'day' AND initiator_id = '${initiatorId}'`);

/** Of no row can there be less than nothing. */
async function nothingIsNegative(): Promise<void> {
  const sums = ['interceptions', 'completed', 'interrupted', 'attempts', 'input_tokens'];
  expect(await count(`usage_totals WHERE least(${sums.join(', ')}, duration_ms) < 0`)).toBe(0);
}

describe('what is counted', () => {
  /*
   * Four writers send what happened in any order of theirs, some of it twice and by two of them,
   * presume that processes died, and are told that they did not. All the while two replicas add
   * up, a few deltas at a time.
   */
  it.each([1, 2])(
    'is what the records say at any moment, for any question (seed %i)',
    async (seed) => {
      const story = aStory(seed, END);
      await told(story, new PrismaUsageTotals(prisma, { deltasMax: 7 }), async () => {
        for (const question of QUESTIONS) await answersWhatRecordsSay(question);
      });
      for (const question of QUESTIONS) await answersWhatRecordsSay(question);
      expect(await count('usage_deltas')).toBe(0);
      expect(await count('usage_totals WHERE interceptions = 0')).toBe(0);
      await nothingIsNegative();
    },
    120_000,
  );

  it('is taken back from where it was counted, although there is little room for groups', async () => {
    const groupsMax = { person: 3, everybody: 5 };
    await told(
      aStory(3, END),
      new PrismaUsageTotals(prisma, { deltasMax: 7, groupsMax }),
      async () => {
        await nothingIsNegative();
        await answersWhatRecordsSay({});
        await answersWhatRecordsSay({ groupBy: 'initiator,day' });
      },
    );
    await nothingIsNegative();
    for (const grain of ['hour', 'month']) {
      expect(
        await tables.rows(
          `SELECT FROM usage_totals WHERE grain IN ('day', $1)
           GROUP BY initiator_id, model, served_model, credential_hint
           HAVING coalesce(sum(interceptions) FILTER (WHERE grain = 'day'), 0)
             <> coalesce(sum(interceptions) FILTER (WHERE grain = $1), 0)`,
          [grain],
        ),
      ).toEqual([]);
    }
    // Beside so many, one of each client and key, with a model that served and without.
    const most = `SELECT max(n)::int AS n FROM (SELECT count(*) AS n FROM usage_totals
      WHERE grain = 'day' AND (initiator_id = '') = $1 GROUP BY initiator_id, starts_at) AS days`;
    expect(Number((await tables.rows(most, [false]))[0]?.['n'])).toBeLessThanOrEqual(3 + 2 * 4 * 2);
    expect(Number((await tables.rows(most, [true]))[0]?.['n'])).toBeLessThanOrEqual(5 + 2 * 4 * 2);
  }, 120_000);

  it('is among the values that filters can have, added up or not', async () => {
    await stored(...aRecord({ model: 'm-1' }));
    await totals.rollUp();
    await stored(...aRecord({ model: 'm-2', initiatorId: 'bob@corp' }, { servedModel: 's-2' }));
    const expected = {
      initiators: ['alice@corp', 'bob@corp'],
      models: ['m-1', 'm-2'],
      servedOwn: ['s-2'],
    };
    expect(await someFacets()).toEqual(expected);
    await totals.rollUp();
    expect(await someFacets()).toEqual(expected);
  });

  it('is added up once by replicas that do so at the same time', async () => {
    await stored(...Array.from({ length: 50 }, (_, n) => aRecord({ model: `m-${n}` })).flat());
    const replicas = Array.from({ length: 4 }, () => new PrismaUsageTotals(prisma));
    await Promise.all(replicas.map((replica) => replica.rollUp()));
    await totals.rollUp();
    expect(await dayRows('')).toBe(50);
    const sums = `SELECT sum(interceptions)::int AS n FROM usage_totals WHERE grain = 'day'`;
    expect(await tables.rows(sums)).toEqual([{ n: 100 }]);
  });

  it('is neither lost nor counted twice when adding up ends in the middle', async () => {
    const events = aRecord();
    await stored(...events);
    await totals.rollUp();
    await stored(...aRecord(), ...events);

    const holder = await connected();
    await holder.query('BEGIN');
    await holder.query(`SELECT * FROM usage_totals WHERE grain = 'month' FOR UPDATE`);
    const dying = totals.rollUp().catch((error: unknown) => error);
    const pid = await until('it has begun to add', async () => {
      const [row] = await tables.rows(`SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`);
      return row?.['pid'];
    });
    await tables.rows('SELECT pg_terminate_backend($1)', [pid]);
    expect(await dying).toBeInstanceOf(Error);
    await holder.query('ROLLBACK');

    expect(await count('usage_deltas')).toBe(1);
    await answersWhatRecordsSay({ groupBy: 'month,initiator' });
    expect(await totals.rollUp()).toBe(false);
    expect(await count('usage_deltas')).toBe(0);
    await answersWhatRecordsSay({ groupBy: 'month,initiator' });
  });

  it('keeps no writer waiting for another that counts for the same people', async () => {
    await tables.rows(HOLD_COMMITS_OF_HELD);
    await stored(...aRecord());
    const gate = await connected();
    await gate.query('SELECT pg_advisory_lock(42)');
    const url = new URL(database.url);
    url.searchParams.set('options', '-c aibridge_test.is_held=yes');
    const held = createPrismaClient(url.href, { poolMax: 1 });
    const storing = new PrismaRecordStore(held).store(aRecord());
    await until('the first is about to commit', async () =>
      (await count(`pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted`)) > 0
        ? true
        : undefined,
    );

    await stored(...aRecord(), ...aRecord({ initiatorId: 'bob@corp' }));
    await totals.rollUp();
    expect(await dayRows('alice@corp')).toBe(1);
    await answersWhatRecordsSay({ groupBy: 'initiator' });

    await gate.query('SELECT pg_advisory_unlock(42)');
    expect(await storing).toBeUndefined();
    await held.$disconnect();
    await totals.rollUp();
    await answersWhatRecordsSay({ groupBy: 'initiator' });
  });
});

async function someFacets(): Promise<Record<string, string[]>> {
  const everybody = { kind: 'everybody' } as const;
  return {
    initiators: await facet(everybody, 'initiators'),
    models: await facet(everybody, 'models'),
    servedOwn: await facet({ kind: 'own', initiatorId: 'bob@corp' }, 'servedModels'),
  };
}

async function facet(scope: Scope, of: Facet): Promise<string[]> {
  const query = facetQuerySchema.parse({});
  const rows = await prisma.$queryRaw<{ value: string }[]>(facetSql(scope, of, query));
  return rows.map(({ value }) => value);
}

/** As if their processes stood still right before their commits. */
const HOLD_COMMITS_OF_HELD = `
  CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF current_setting('aibridge_test.is_held', true) = 'yes' THEN
      PERFORM pg_advisory_xact_lock(42);
    END IF;
    RETURN NULL;
  END $$;
  CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON usage_deltas
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold()`;

/** As long as a name can be, and of letters that do not repeat. */
function unlike(n: number): string {
  const letters = Array.from(
    { length: 256 },
    (_, at) => 0x4e00 + (((n * 256 + at) * 7919) % 20_000),
  );
  return String.fromCharCode(...letters);
}

/** With names that nobody has. */
function junk(n: number, facts: Parameters<typeof aStart>[0] = {}): RecordEvent[] {
  return aRecord({ model: `junk-${n}`, ...facts }, { servedModel: `served-${n}` });
}

function ofOthers() {
  return tables.rows(`SELECT sum(interceptions)::int AS n, sum(interrupted)::int AS interrupted
    FROM usage_totals WHERE model = 'other' AND grain = 'day' AND initiator_id = ''`);
}

describe('groups beyond the bound of a day', () => {
  it('are one: made-up models of one person make no more rows than that', async () => {
    for (let from = 0; from < 2_000; from += 500) {
      await stored(...Array.from({ length: 500 }, (_, n) => junk(from + n)).flat());
      await totals.rollUp();
    }
    for (const grain of ['hour', 'day', 'month']) {
      expect(await count(`usage_totals WHERE grain = '${grain}'`)).toBe(2 * 101);
    }
    const others = `SELECT initiator_id, model, served_model, credential_hint, interceptions::int AS n
      FROM usage_totals WHERE grain = 'month' AND model NOT LIKE 'junk-%' ORDER BY 1`;
    const other = { model: 'other', served_model: 'other', credential_hint: 'sk-a...0001' };
    expect(await tables.rows(others)).toEqual([
      { ...other, initiator_id: '', n: 1_900 },
      { ...other, initiator_id: 'alice@corp', n: 1_900 },
    ]);
    await answersWhatRecordsSay({ groupBy: 'hour,initiator' });
  });

  it('are one for everybody as well, and of a caller’s own keys no hint is told', async () => {
    const own = { credentialKind: 'byok', credentialFingerprint: '0123456789ab' } as const;
    const people = Array.from({ length: 12 }, (_, person) => `person-${person}`);
    for (const initiatorId of people) {
      const records = Array.from({ length: 90 }, (_, n) =>
        junk(n, { ...own, initiatorId, credentialHint: `${initiatorId}-${n}`.slice(-15) }),
      );
      await stored(...records.flat());
    }
    await totals.rollUp();
    expect(await dayRows('')).toBe(1_001);
    expect(await dayRows('person-11')).toBe(90);
    expect(
      await tables.rows(`SELECT credential_hint AS hint, credential_fingerprint AS fingerprint,
        interceptions::int AS n FROM usage_totals WHERE grain = 'day' AND model = 'other'`),
    ).toEqual([{ hint: '', fingerprint: '', n: 80 }]);
    await answersWhatRecordsSay({ groupBy: 'hour,client' });
  });

  it('leave a model without an answer without one', async () => {
    await stored(...Array.from({ length: 100 }, (_, n) => junk(n)).flat());
    await totals.rollUp();
    await stored(...aRecord({ model: 'late' }, { servedModel: null }));
    await totals.rollUp();
    const late = `SELECT model, served_model FROM usage_totals
      WHERE grain = 'hour' AND initiator_id = '' AND served_model NOT LIKE 'served-%'`;
    expect(await tables.rows(late)).toEqual([{ model: 'other', served_model: '' }]);
  });

  it('count apart for another day and another person', async () => {
    await stored(...Array.from({ length: 101 }, (_, n) => junk(n)).flat());
    await totals.rollUp();
    await stored(
      ...aRecord({ model: 'late', at: END + 24 * HOUR }),
      ...aRecord({ model: 'late', initiatorId: 'bob@corp' }),
    );
    await totals.rollUp();
    const late = `SELECT initiator_id FROM usage_totals WHERE grain = 'day' AND model = 'late'`;
    expect(await tables.rows(`${late} ORDER BY starts_at, 1`)).toEqual([
      { initiator_id: '' },
      { initiator_id: 'bob@corp' },
      { initiator_id: '' },
      { initiator_id: 'alice@corp' },
    ]);
  });

  // A row that gets empty must not make room for a group of which some is counted among the others.
  it('stay together on a day that was full once', async () => {
    const firsts = Array.from({ length: 10 }, (_, n) => anOpen(`first-${n}`));
    await interrupted(...firsts);
    await stored(...Array.from({ length: 90 }, (_, n) => junk(n)).flat());
    await totals.rollUp();
    const late = [anOpen('late'), anOpen('late')];
    await interrupted(...late.slice(0, 1));
    await stored(...firsts.map(({ end }) => end));
    await totals.rollUp();
    await interrupted(...late.slice(1));
    expect(await ofOthers()).toMatchObject([{ n: 12, interrupted: 2 }]);
    for (const { end } of late) {
      await stored(end);
      await totals.rollUp();
    }
    expect(await ofOthers()).toMatchObject([{ n: 12, interrupted: 0 }]);
    expect(await count(`usage_totals WHERE model = 'late'`)).toBe(0);
    await nothingIsNegative();
  });

  // The key of the totals has to hold both, and there is no more counting if it cannot.
  it('are those with names that are too long for a key, too', async () => {
    for (const n of [0, 2]) {
      await stored(...aRecord({ model: unlike(n) }, { servedModel: unlike(n + 1) }));
    }
    await totals.rollUp();
    const rows = `SELECT model, interceptions::int AS n FROM usage_totals
      WHERE grain = 'day' AND initiator_id = ''`;
    expect(await tables.rows(rows)).toEqual([{ model: 'other', n: 2 }]);
  });
});

function ofEverybody() {
  return tables.rows(
    `SELECT * FROM usage_totals WHERE initiator_id = '' ORDER BY grain, starts_at`,
  );
}

describe('totals of single people', () => {
  it('go at their age, hour by hour, and those of everybody stay', async () => {
    const ages = [90 * 24, 62 * 24, 61 * 24 + 3, 61 * 24, 59 * 24];
    for (const hours of ages) await stored(...aRecord({ at: END + HOUR / 2 - hours * HOUR }));
    await totals.rollUp();
    const before = await ofEverybody();
    const purge = new PrismaPurgeStore(prisma);
    while ((await purge.purgeUsage(END - 61 * 24 * HOUR)) !== 0);

    const left = `SELECT grain, starts_at FROM usage_totals WHERE initiator_id <> '' ORDER BY 2, 1`;
    expect(await tables.rows(left)).toEqual(
      [
        { grain: 'month', starts_at: new Date('2026-05-01') },
        { grain: 'day', starts_at: new Date('2026-05-01') },
        { grain: 'hour', starts_at: new Date('2026-05-01') },
        { grain: 'day', starts_at: new Date('2026-05-03') },
        { grain: 'hour', starts_at: new Date('2026-05-03') },
      ].toSorted(
        (a, b) => Number(a.starts_at) - Number(b.starts_at) || a.grain.localeCompare(b.grain),
      ),
    );
    expect(await ofEverybody()).toEqual(before);
  });

  it('may be gone when something is taken back: everybody’s are right', async () => {
    const open = anOpen('model-1', END - 90 * 24 * HOUR);
    await interrupted(open);
    while ((await new PrismaPurgeStore(prisma).purgeUsage(END - 61 * 24 * HOUR)) !== 0);
    await stored(open.end);
    await totals.rollUp();
    const rows = await ofEverybody();
    expect(rows.map(({ model, completed, interrupted: rest }) => [model, completed, rest])).toEqual(
      Array.from({ length: 3 }, () => ['model-1', '1', '0']),
    );
  });
});

async function connected(): Promise<Client> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  clients.push(client);
  return client;
}

const QUESTIONS: readonly UsageQuestion[] = [
  {},
  { groupBy: 'initiator' },
  { groupBy: 'hour,model' },
  { groupBy: 'day,initiator,credential' },
  { groupBy: 'month,client,servedModel' },
  { groupBy: 'provider,credential', initiator: 'person-1' },
  { groupBy: 'day', model: 'model-2', client: 'Codex' },
  { groupBy: 'model', startedAfter: '2026-06-29T22:30:00Z', startedBefore: '2026-07-01T01:15:00Z' },
  {
    groupBy: 'initiator',
    startedAfter: '2026-06-30T23:10:00Z',
    startedBefore: '2026-06-30T23:50:00Z',
  },
];

/** Both as they are at one moment. */
async function answersWhatRecordsSay(question: UsageQuestion): Promise<void> {
  const query = usageQuerySchema.parse(question);
  const groupBy = query.groupBy ?? [];
  const [rows, records] = await prisma.$transaction(
    [
      prisma.$queryRaw<UsageRow[]>(usageSql({ kind: 'everybody' }, query)),
      prisma.interception.findMany(),
    ],
    { isolationLevel: 'RepeatableRead' },
  );
  const answer = rows.map((row) => toUsage(row, groupBy));
  expect(inOrder(answer)).toEqual(inOrder(usageOfRecords(records, question, groupBy)));
}

/** Whatever order they and their members are in. */
function inOrder(items: readonly Usage[]): string[] {
  return items
    .map((item) =>
      Object.entries(item)
        .map((member) => JSON.stringify(member))
        .toSorted()
        .join(),
    )
    .toSorted();
}

/** Lets the writers do all that, while it is added up and looked at. */
async function told(
  story: Story,
  adding: PrismaUsageTotals,
  look: () => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const always = async (what: () => Promise<unknown>): Promise<void> => {
    while (!over.signal.aborted) await what();
  };
  const watching = [always(() => adding.rollUp()), always(() => adding.rollUp()), always(look)];
  try {
    await Promise.race([Promise.all(story.map(written)), ...watching]);
  } finally {
    over.abort();
  }
  await Promise.all(watching);
  while (await adding.rollUp());
}

async function written(deeds: readonly Deed[]): Promise<void> {
  const client = createPrismaClient(database.url, { poolMax: 1 });
  const writer = new PrismaRecordStore(client);
  for (const deed of deeds) {
    if (deed.kind === 'close') await writer.closeInterrupted(deed.instanceId);
    else expect(await writer.store(deed.events)).toBeUndefined();
  }
  await client.$disconnect();
}
