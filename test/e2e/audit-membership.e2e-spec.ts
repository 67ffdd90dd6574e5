import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../src/app.document.ts';
import { encodeCursor } from '../../src/audit/question/cursor.ts';
import { liveEventId } from '../../src/audit/live/live-event-id.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import type { EndEvent, RecordEvent, StartEvent } from '../../src/recording/journal/events.ts';
import {
  aPrompt,
  aStart,
  aThought,
  aTool,
  aUsage,
  anAttempt,
  anEnd,
} from '../support/record-events.ts';
import { until } from '../support/until.ts';
import {
  ALICE,
  AUDITOR,
  BOB,
  startAuditSystem,
  type AuditSystem,
  type Person,
} from './audit-system.ts';
import { LiveReader } from './live-reader.ts';

// A member sees nothing of others: whatever Alice asks, the answer is the one she gets where there
// is nobody else. Endpoints and parameters are those that are published, so that none is forgotten.

const AT = Date.UTC(2026, 4, 1, 10, 20);
const HOUR_MS = 3_600_000;

interface Told {
  readonly start?: Partial<StartEvent>;
  readonly end?: Partial<EndEvent>;
  readonly prompt: string;
  readonly tool: string;
  readonly call: string;
}

let nextMs = AT;

function told({ start, end, prompt, tool, call }: Told): { id: string; events: RecordEvent[] } {
  nextMs += 60_000;
  const event = { id: uuidv7(nextMs), at: nextMs };
  const rowId = (): string => uuidv7(nextMs);
  const begun = aStart({ ...event, sessionId: 'talk', ...start });
  const { initiatorId, sessionId } = begun;
  return {
    id: event.id,
    events: [
      begun,
      anAttempt({ ...event, rowId: rowId() }),
      aUsage({ ...event, rowId: rowId() }),
      aPrompt({ ...event, rowId: rowId(), text: prompt }),
      aPrompt({ ...event, rowId: rowId(), source: 'machine', text: 'machinery' }),
      aTool({ ...event, rowId: rowId(), initiatorId, sessionId, tool, toolCallId: call }),
      aThought({ ...event, rowId: rowId() }),
      anEnd({ ...event, at: nextMs + 20, ...end }),
    ],
  };
}

const OF_BOB: Partial<StartEvent> = {
  initiatorId: BOB.id,
  providerName: 'bobs-provider',
  providerType: 'openai',
  model: 'bobs-model',
  api: 'responses',
  purpose: 'compact',
  client: 'Bobs client',
  sessionId: 'bobs-talk',
  streaming: true,
  credentialKind: 'byok',
  credentialHint: 'sk-b...bobs',
  credentialFingerprint: 'bbbbbbbbbbbb',
};
const BADLY_ENDED: Partial<EndEvent> = {
  status: 'failed',
  errorType: 'bobs_error',
  errorMessage: 'of bob',
  servedModel: 'bobs-served-model',
  durationMs: 600_000,
  attemptCount: 3,
  failedOver: true,
  tokens: { input: 1_000_000, output: 1, cacheRead: 1, cacheWrite: 1 },
};

const bobs = (n: number) => [
  told({
    start: { initiatorId: BOB.id },
    prompt: `shared words ${n}`,
    tool: 'Bash',
    call: `bob-${n}`,
  }),
  told({
    start: OF_BOB,
    end: BADLY_ENDED,
    prompt: `a secret ${n}`,
    tool: 'bobs_tool',
    call: `b-${n}`,
  }),
];
/** One in three answers a tool call, of which one is Bob's: his thread is not hers. */
const alices = (n: number) => [
  told({
    start:
      n % 3 === 0 ? {} : { correlatingToolCallIds: [n % 3 === 1 ? `alice-${n - 1}` : `bob-${n}`] },
    prompt: `shared words of hers ${n}`,
    tool: n % 2 === 0 ? 'Bash' : 'Read',
    call: `alice-${n}`,
  }),
];
const rounds = Array.from({ length: 9 }, (_, n) => ({
  before: bobs(n),
  hers: alices(n),
  after: bobs(n + 100),
}));
const HERS = rounds.flatMap(({ hers }) => hers);
const ALL = rounds.flatMap(({ before, hers, after }) => [...before, ...hers, ...after]);
const bobsId = String(rounds[4]?.before[1]?.id);
const hersId = String(HERS[4]?.id);
const hour = new Date(AT + HOUR_MS).toISOString().replace(/:\d\d:.*/, ':00:00Z');
const minute = new Date(AT + 20 * 60_000).toISOString();

/** For every parameter, what is Bob's, and what is hers as well. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  initiator: [BOB.id, ALICE.id, `${ALICE.id}&initiator=${BOB.id}`, '%25', BOB.id.toUpperCase()],
  provider: ['bobs-provider', 'anthropic', 'anthropic&provider=bobs-provider'],
  providerType: ['openai', 'anthropic'],
  model: ['bobs-model', 'claude-opus-4-5'],
  servedModel: ['bobs-served-model', 'claude-opus-4-5-20251101'],
  purpose: ['compact', 'main'],
  client: ['Bobs client', 'Claude Code'],
  session: ['bobs-talk', 'talk'],
  api: ['responses', 'messages'],
  status: ['failed', 'completed', 'failed&status=completed'],
  errorType: ['bobs_error'],
  credentialKind: ['byok', 'centralized', 'byok&credentialKind=centralized'],
  credentialHint: ['sk-b...bobs', 'sk-a...0001'],
  credentialFingerprint: ['bbbbbbbbbbbb', '0123456789ab'],
  tool: ['bobs_tool', 'Bash', 'Bash&tool=bobs_tool'],
  streaming: ['true', 'false'],
  failedOver: ['true', 'false'],
  startedAfter: [minute, hour, '2026-01-01'],
  startedBefore: [minute, hour, '2027-01-01'],
  minTokens: ['1000000', '1'],
  minDurationMs: ['600000', '1'],
  text: ['secret', 'shared', '"shared words"', '-secret', 'shared or secret'],
  textSource: ['all', 'user', 'all&text=secret', 'all&text=machinery'],
  limit: ['1', '3'],
  cursor: [bobsId, encodeCursor(bobsId), hersId, encodeCursor(hersId)],
  count: ['true'],
  fingerprint: ['bbbbbbbbbbbb'],
  format: ['csv', 'ndjson'],
  prefix: ['b', 'B', 'bobs', 'a', '%25', '_'],
  groupBy: [
    'initiator',
    'provider',
    'model',
    'client',
    'credential',
    'hour',
    'day',
    'month',
    'initiator,credential,model,hour',
  ],
};
const PATHS: Readonly<Record<string, readonly string[]>> = {
  '/interceptions/{id}': [`/interceptions/${bobsId}`, `/interceptions/${hersId}`],
  '/sessions/{id}': ['/sessions/talk', '/sessions/bobs-talk'],
  '/facets/{facet}': [
    'initiators',
    'providers',
    'models',
    'servedModels',
    'clients',
    'purposes',
    'tools',
  ].map((facet) => `/facets/${facet}`),
};

const operations = OPERATIONS.filter(({ method }) => method === 'get').map(({ path, query }) => {
  const template = path.replace('/api/v1', '');
  const names = Object.keys(query?.shape ?? {});
  const queries = names.flatMap((name) => (VALUES[name] ?? []).map((value) => `${name}=${value}`));
  return { template, names, queries, paths: PATHS[template] ?? [template] };
});

let shared: AuditSystem;
let alone: AuditSystem;

beforeAll(async () => {
  [shared, alone] = await Promise.all([startAuditSystem(), startAuditSystem()]);
  await shared.store(...ALL.flatMap(({ events }) => events));
  await alone.store(...HERS.flatMap(({ events }) => events));
});

afterAll(() => Promise.all([shared.stop(), alone.stop()]));

interface Given {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

async function given(system: AuditSystem, path: string, person: Person): Promise<Given> {
  const res = await system.request(path, person);
  const headers = Object.fromEntries([...res.headers].filter(([name]) => name !== 'date'));
  return { status: res.status, headers, text: await res.text() };
}

/** The requests whose answers tell the two apart. */
async function toldApart(paths: readonly string[], person: Person): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const path of paths) {
    const [here, there] = await Promise.all([
      given(shared, path, person),
      given(alone, path, person),
    ]);
    if (JSON.stringify(here) !== JSON.stringify(there)) found.push({ path, here, there });
  }
  return found;
}

/** Every page that a member is given. */
async function walk(system: AuditSystem, path: string): Promise<unknown[]> {
  const pages: unknown[] = [];
  for (let cursor = ''; ;) {
    const { body } = await system.get(`${path}limit=2${cursor}`, ALICE);
    pages.push(body);
    if (typeof body['nextCursor'] !== 'string') return pages;
    cursor = `&cursor=${body['nextCursor']}`;
  }
}

it.each(operations)('$template is asked for what is of somebody else', ({ template, names }) => {
  expect(names.filter((name) => VALUES[name] === undefined)).toEqual([]);
  expect(template.includes('{') && PATHS[template] === undefined).toBe(false);
});

const answered = operations.filter(({ template }) => !template.endsWith('/live'));

it.each(answered)(
  '$template answers a member as if there were nobody else',
  async ({ template, names, queries, paths }) => {
    const extra = [
      ...(names.includes('limit') ? ['limit=2'] : []),
      ...(names.includes('count') ? ['count=true'] : []),
    ].join('&');
    const narrowed = queries.filter((query) => !/^(limit|count)=/.test(query));
    const asked = ['', ...queries, ...narrowed.map((query) => `${extra}&${query}`)].flatMap(
      (query) => paths.map((path) => `${path}?${query}`),
    );
    expect(await toldApart(asked, ALICE)).toEqual([]);
    // It is not for want of difference, where there is one to others.
    const differences = await toldApart(asked.slice(0, 12), AUDITOR);
    expect(differences.length > 0).toBe(!/^.(me|keys|breakers|mcp)/.test(template));
  },
);

it('goes through pages with a member as if there were nobody else', async () => {
  for (const path of [
    '/interceptions?',
    '/interceptions?text=words&',
    '/sessions?',
    '/sessions/talk?',
  ]) {
    const [here, there] = await Promise.all([walk(shared, path), walk(alone, path)]);
    expect(here).toEqual(there);
    expect(here.length).toBeGreaterThan(path === '/sessions?' ? 0 : 2);
  }
});

it('says of a record of somebody else what it says of one that is not there', async () => {
  const { text, ...rest } = await given(shared, `/interceptions/${bobsId}`, ALICE);
  const absent = await given(shared, `/interceptions/${uuidv7(AT)}`, ALICE);
  expect(rest).toEqual({ status: absent.status, headers: absent.headers });
  expect(text.replace(bobsId, '')).toBe(absent.text.replace(/[0-9a-f-]{36}/, ''));
});

it('shows a member nothing that only others have, in any answer', async () => {
  const asked = answered.flatMap(({ paths, names }) =>
    paths.map((path) => (names.includes('limit') ? `${path}?limit=200` : path)),
  );
  for (const path of asked) {
    const { text } = await given(shared, path, ALICE);
    // But for what was asked about.
    expect(text.replaceAll(bobsId, '').replace('no session bobs-talk', '')).not.toMatch(
      /bob|secret/i,
    );
  }
});

describe('/interceptions/live', () => {
  const BEGINNING = liveEventId({ seen: { end: 1n, running: [] } });
  const filters =
    operations.find(({ template }) => template === '/interceptions/live')?.queries ?? [];

  /** What a member is shown from the beginning, by filter. */
  async function tails(system: AuditSystem, lastEventId: string): Promise<unknown[]> {
    const open = (query: string): Promise<LiveReader> =>
      LiveReader.open(system.bridge.url, { person: ALICE, lastEventId, query: `?${query}` });
    const readers = await Promise.all(filters.map(open));
    const last = await open('');
    const { id, events } = told({ prompt: 'the last', tool: 'Bash', call: 'last' });
    await system.store(...events);
    await until('the last record', () => (last.ids.includes(id) ? true : undefined));
    return [...readers, last].map((reader) => {
      reader.leave();
      return reader.events
        .filter(({ data }) => data['id'] !== id)
        .map(({ type, data }) => [type, data]);
    });
  }

  it('shows a member what it would if there were nobody else', async () => {
    const [here, there] = await Promise.all([tails(shared, BEGINNING), tails(alone, BEGINNING)]);
    expect(here).toEqual(there);
    expect(here.at(-1)).toHaveLength(HERS.length);
  });

  it('shows nothing of others to a member who comes back with an event of theirs', async () => {
    const auditors = await LiveReader.open(shared.bridge.url, { lastEventId: BEGINNING });
    await auditors.has(ALL.length);
    auditors.leave();
    const bobsEvent = auditors.events.find(({ data }) => data['id'] === bobsId);
    const [unfiltered] = (await tails(shared, String(bobsEvent?.id))).slice(-1);
    const after = HERS.filter(({ id }) => id > bobsId).map(({ id }) => id);
    expect(Object(unfiltered).map(([, { id }]: [string, { id: string }]) => id)).toEqual(
      expect.arrayContaining(after),
    );
    expect(JSON.stringify(unfiltered)).not.toMatch(/bob/i);
  });
});

it.each(['/keys', '/keys/events', '/keys?provider=anthropic', '/breakers', '/mcp'])(
  '%s is not for members',
  async (path) => {
    expect((await given(shared, path, ALICE)).status).toBe(403);
    expect((await given(shared, path, AUDITOR)).status).toBe(200);
  },
);
