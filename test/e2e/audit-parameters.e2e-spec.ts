import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_DOCUMENT } from '../../src/app.document.ts';
import { anId, aStart, anEnd } from '../support/record-events.ts';
import { ADMIN, ALICE, startAuditSystem, type AuditSystem } from './audit-system.ts';

const ID = anId();
/** A parameter as it is published. */
interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: {
    readonly type?: string;
    readonly enum?: readonly string[];
    readonly items?: { readonly enum?: readonly string[] };
    readonly maxItems?: number;
    readonly minimum?: number;
    readonly maximum?: number;
    readonly anyOf?: readonly unknown[];
  };
}
interface Endpoint {
  /** With something in its path that is there. */
  readonly path: string;
  readonly template: string;
  readonly parameters: readonly Parameter[];
}

// Derived, so that an endpoint or a parameter that is added is tested as well.
const endpoints = Object.entries(API_DOCUMENT.paths).flatMap(([published, methods]): Endpoint[] => {
  const operation = methods['get'];
  if (operation === undefined) return [];
  const template = published.replace('/api/v1', '');
  const path = template
    .replace('/sessions/{id}', '/sessions/talk')
    .replace('{id}', ID)
    .replace('{facet}', 'tools');
  return [{ path, template, parameters: Object(operation).parameters }];
});

let audit: AuditSystem;

beforeAll(async () => {
  audit = await startAuditSystem();
  await audit.store(
    aStart({ id: ID, initiatorId: ALICE.id, sessionId: 'talk' }),
    anEnd({ id: ID, at: Date.now() }),
  );
});

afterAll(() => audit.stop());

const OVERLONG = 'x'.repeat(513);
const BADLY_ENCODED = ['%', '%zz', 'a%2', '%ff%fe', '%ed%a0%80', '%c0%80'];
const NOT_A_TIME = [
  'yesterday',
  '2026-13-01',
  '2026-02-30',
  '2026-01-01T25:00:00Z',
  '2026-01-01T00:00:00',
  '2026-01-01T00:00:00+02:00',
  '20260101',
  '1767225600000',
  '0000-01-01',
  '0001-01-01T00:00:00%2B14:00',
  '9999-12-31T23:59:59-14:00',
  '%2B012026-01-01T00:00:00Z',
];
const NOT_A_CURSOR = [
  'x',
  'MTo',
  '0',
  Buffer.from(`2:${ID}`).toString('base64url'),
  Buffer.from(`1:${ID}0`).toString('base64url'),
  Buffer.from("1:' OR 1=1").toString('base64url'),
];

/** Values that are wrong for a parameter, as they stand in a URL. */
function wrongValues({ name, schema }: Parameter): readonly string[] {
  return ['', '%00', OVERLONG, ...BADLY_ENCODED, ...wrongOfType({ name, schema })];
}

function wrongOfType({ name, schema }: Pick<Parameter, 'name' | 'schema'>): readonly string[] {
  if (isChoice(schema)) return ['nonsense', 'constructor', '__proto__'];
  if (schema.type === 'integer') {
    const { minimum = 0, maximum = 0 } = schema;
    return ['-1', '1.5', '1e3', '0x10', '1%20', 'NaN', '٣', `${minimum - 1}`, `${maximum + 1}`];
  }
  if (schema.type === 'boolean') return ['yes', '1', 'TRUE', 'null', 'true,false'];
  if (schema.anyOf !== undefined) return NOT_A_TIME;
  return name === 'cursor' ? NOT_A_CURSOR : [];
}

function isChoice({ enum: one, items }: Parameter['schema']): boolean {
  return (one ?? items?.enum) !== undefined;
}

function goodValue({ name, schema }: Parameter): string {
  const [choice] = schema.enum ?? schema.items?.enum ?? [];
  if (choice !== undefined) return choice;
  if (schema.type === 'integer') return String(schema.minimum);
  if (schema.type === 'boolean') return 'true';
  if (schema.anyOf !== undefined) return '2026-01-01';
  if (name === 'provider') return 'anthropic';
  return name === 'cursor' ? ID : 'x';
}

function goodQuery(parameter: Parameter): string {
  return `${parameter.name}=${goodValue(parameter)}`;
}

/** Queries that are wrong, with the name of what is wrong about them. */
function wrongQueries(parameter: Parameter): (readonly [query: string, named: string])[] {
  const { name, schema } = parameter;
  const good = goodValue(parameter);
  const timesMax = schema.type === 'array' ? schema.maxItems : 1;
  const tooOften = timesMax === undefined ? [] : [`${name}=${good}&`.repeat(timesMax + 1)];
  return [
    ...wrongValues(parameter).map((value) => [`${name}=${value}`, name] as const),
    ...tooOften.map((query) => [query, name] as const),
    [name, name],
    [`${name}[]=${good}`, `${name}[]`],
    [`${name}[0]=${good}`, `${name}[0]`],
    [`${name}[a]=${good}`, `${name}[a]`],
    [`${name.toUpperCase()}=${good}`, name.toUpperCase()],
    [`${name}%20=${good}`, `${name} `],
    [`${name}=${good}&${name}%00=${good}`, `${name}\0`],
  ];
}

const UNKNOWN = [
  'colour',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '__proto__[a]',
  'offset',
  '',
] as const;

interface Refusal {
  readonly status: number;
  readonly named: readonly string[];
  readonly message: string;
}

async function asked(path: string, headers: Record<string, string> = {}): Promise<Refusal> {
  const leaving = new AbortController();
  const res = await fetch(`${audit.bridge.url}/api/v1${path}`, {
    headers: {
      'x-forwarded-user': ADMIN.id,
      'x-forwarded-groups': ADMIN.group ?? '',
      ...headers,
    },
    signal: leaving.signal,
  });
  // A stream that was opened, rightly or not, has no end.
  const body = res.status === 200 ? {} : Object(await res.json());
  leaving.abort();
  const { details = [], message = '' } = body;
  return {
    status: res.status,
    named: [...details].map(({ parameter }) => String(parameter)),
    message: String(message),
  };
}

/** What was not refused as it should have been, naming what is wrong. */
async function notRefused(
  path: string,
  queries: readonly (readonly [query: string, named: string])[],
): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const [query, named] of queries) {
    const answer = await asked(`${path}?${query}`);
    // One of several values is named with its place.
    const names = answer.named.map((name) => name.replace(/\.\d+$/, ''));
    const saysWhat = names.includes(named) && answer.message.includes(named);
    if (answer.status !== 400 || !saysWhat) found.push({ query: query.slice(0, 80), ...answer });
  }
  return found;
}

describe.each(endpoints)('$template', ({ path, parameters }) => {
  const inQuery = parameters.filter((parameter) => parameter.in === 'query');
  const required = inQuery.filter((parameter) => parameter.required === true);

  it('takes each of its parameters', async () => {
    const taken = inQuery.map(async (parameter) => {
      const asking = [...required.filter((each) => each !== parameter), parameter];
      const { status } = await asked(`${path}?${asking.map(goodQuery).join('&')}`);
      return { name: parameter.name, status };
    });
    const refused = (await Promise.all(taken)).filter(({ status }) => status >= 400);
    // Whose session it is has been named, and it is nobody's.
    expect(refused.filter(({ name, status }) => name !== 'initiator' || status !== 404)).toEqual(
      [],
    );
  });

  it('refuses what is malformed, and names it', async () => {
    expect(await notRefused(path, inQuery.flatMap(wrongQueries))).toEqual([]);
  });

  it('refuses what it does not know, and names it', async () => {
    const queries = UNKNOWN.map((name) => [`${name}=1`, name] as const);
    expect(await notRefused(path, queries)).toEqual([]);
  });

  it('overlooks nothing, however much stands before it', async () => {
    const unknown = `${'colour=red&'.repeat(1_500)}offset=1`;
    const { status, named } = await asked(
      `${path}?${[...required.map(goodQuery), unknown].join('&')}`,
    );
    expect({ status, named }).toEqual({ status: 400, named: ['colour', 'offset'] });
  });
});

it.each([
  ['/interceptions/x', 'id'],
  ['/interceptions/%00', 'id'],
  [`/interceptions/${ID}0`, 'id'],
  ['/sessions/%00', 'id'],
  ['/facets/keys', 'facet'],
  ['/facets/__proto__', 'facet'],
  ['/facets/constructor', 'facet'],
])('the path %s is refused, and what is wrong is named', async (path, name) => {
  expect(await asked(path)).toMatchObject({ status: 400, named: [name] });
});

it('an id in a path that is longer than any is refused, and named', async () => {
  expect(await asked(`/sessions/${OVERLONG}`)).toMatchObject({ status: 400, named: ['id'] });
});

it.each(['/interceptions/%', '/sessions/%ff', '/facets/%zz'])(
  'the path %s cannot be read',
  async (path) => {
    const answer = await asked(path);
    expect(answer).toMatchObject({ status: 400, message: expect.stringContaining('decode') });
  },
);

it.each(['', 'x', '5', `-1-${ID}`, `1e3-${ID}`, `${'9'.repeat(19)}-${ID}`, `5-${ID}, 6-${ID}`])(
  'a Last-Event-ID of "%s" is refused, and named',
  async (id) => {
    expect(await asked('/interceptions/live', { 'last-event-id': id })).toMatchObject({
      status: 400,
      named: ['Last-Event-ID'],
    });
  },
);

it.each([
  'limit=1&limit=2',
  'streaming=true&streaming=true',
  'startedAfter=2026-01-01&startedAfter=',
])('%s says that once is enough', async (query) => {
  const name = query.slice(0, query.indexOf('='));
  expect((await asked(`/interceptions?${query}`)).message).toBe(`${name}: must be given once`);
});

it('names all that is wrong at once', async () => {
  const { named } = await asked('/interceptions?limit=0&colour=red&status=no&startedAfter=then');
  expect(named.toSorted()).toEqual(['colour', 'limit', 'startedAfter', 'status.0']);
});

it('never shows a fault of the bridge', () => {
  expect(audit.bridge.logs.filter(({ level }) => level === 'error')).toEqual([]);
});
