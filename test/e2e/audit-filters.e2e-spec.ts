import { assert, asyncProperty, constantFrom, nat, record, subarray } from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { generateAuditData } from '../../bench/audit-data.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import { aStart, anEnd } from '../support/record-events.ts';
import {
  interceptionPageSchema,
  type InterceptionPage,
} from '../../src/audit/interceptions/interception-shape.ts';
import { AUDITOR, startAuditSystem, type AuditSystem, type Person } from './audit-system.ts';

/** More than the newest that are looked at one by one. */
const RECORDS = 13_000;
const QUESTIONS = 80;
const LIMIT = 30;
const PAGES = 3;
/** One of those who ask most. */
const BUSY: Person = { id: 'person-3@corp' };

type Row = Readonly<Record<string, unknown>> & { readonly id: string };

let audit: AuditSystem;
/** Newest first. */
let rows: readonly Row[];

beforeAll(async () => {
  audit = await startAuditSystem();
  const client = new Client({ connectionString: audit.database.url });
  await client.connect();
  await generateAuditData(client, {
    databaseUrl: audit.database.url,
    records: RECORDS,
    days: 60,
    onProgress: () => undefined,
  });
  ({ rows } = await client.query<Row>(`
    SELECT i.*, input_tokens + output_tokens + cache_read_tokens + cache_write_tokens AS total,
      ARRAY(SELECT tool FROM tool_usages AS t WHERE t.interception_id = i.id) AS tools
    FROM interceptions AS i ORDER BY id DESC`));
  await client.end();
}, 120_000);

afterAll(() => audit.stop());

const COLUMNS: Readonly<Record<string, string>> = {
  initiator: 'initiator_id',
  provider: 'provider_name',
  providerType: 'provider_type',
  model: 'model',
  servedModel: 'served_model',
  purpose: 'purpose',
  client: 'client',
  api: 'api',
  status: 'status',
  errorType: 'error_type',
  credentialKind: 'credential_kind',
  credentialHint: 'credential_hint',
  credentialFingerprint: 'credential_fingerprint',
  session: 'session_id',
  streaming: 'streaming',
  failedOver: 'failed_over',
};
const FLAGS = new Set(['streaming', 'failedOver']);

/** What the list is to answer, by reading everything. */
function expected(query: URLSearchParams, person: Person): string[] {
  const matches = (row: Row): boolean =>
    (person.group === 'auditors' || row['initiator_id'] === person.id) &&
    [...new Set(query.keys())].every((name) => fits(row, name, query.getAll(name)));
  return rows.filter(matches).map(({ id }) => id);
}

function fits(row: Row, name: string, values: readonly string[]): boolean {
  const [first = ''] = values;
  const column = COLUMNS[name];
  if (column !== undefined) return values.includes(String(row[column]));
  if (name === 'tool') return values.some((tool) => Object(row['tools']).includes(tool));
  if (name === 'minTokens') return Number(row['total']) >= Number(first);
  if (name === 'minDurationMs') return Number(row['duration_ms']) >= Number(first);
  const at = Object(row['started_at']).getTime();
  if (name === 'startedAfter') return at >= Date.parse(first);
  if (name === 'startedBefore') return at < Date.parse(first);
  throw new Error(`${name} is not known to the test`);
}

/** Filters that some record fits, some of them with a second value that others may fit. */
function questions() {
  const names = subarray(
    [
      ...Object.keys(COLUMNS),
      'tool',
      'minTokens',
      'minDurationMs',
      'startedAfter',
      'startedBefore',
    ],
    { minLength: 1, maxLength: 4 },
  );
  const row = nat(RECORDS - 1);
  return record({ names, row, other: row, person: constantFrom(AUDITOR, BUSY) }).map((drawn) => {
    const query = new URLSearchParams();
    for (const [n, name] of drawn.names.entries()) {
      const values = [valueOf(drawn.row, name), ...(n === 1 ? [valueOf(drawn.other, name)] : [])];
      const isRepeatable = name in COLUMNS && !FLAGS.has(name);
      for (const value of isRepeatable ? new Set(values) : values.slice(0, 1)) {
        if (value !== undefined) query.append(name, value);
      }
    }
    return { query, person: drawn.person };
  });
}

function valueOf(index: number, name: string): string | undefined {
  const row = Object(rows[index]);
  if (name === 'tool') return row.tools[0];
  if (name === 'minTokens') return String(Math.max(0, Number(row.total) - 5_000));
  if (name === 'minDurationMs') return String(row.duration_ms);
  if (name.startsWith('started')) return row.started_at.toISOString();
  return row[COLUMNS[name] ?? ''] ?? undefined;
}

/** Asked in words, as the client that is made for programs has no room for what is drawn. */
async function list(query: URLSearchParams, person: Person): Promise<InterceptionPage> {
  const { body } = await audit.get(`/interceptions?${query.toString()}`, person);
  return interceptionPageSchema.parse(body);
}

async function walked(query: URLSearchParams, person: Person): Promise<string[]> {
  const seen: string[] = [];
  const asked = new URLSearchParams(query);
  asked.set('limit', String(LIMIT));
  for (let page = 0; page < PAGES; page++) {
    const { items, nextCursor } = await list(asked, person);
    seen.push(...items.map(({ id }) => id));
    if (nextCursor === null) return seen;
    asked.set('cursor', nextCursor);
  }
  return seen;
}

it('lists exactly what fits, newest first, whatever is asked together', async () => {
  await assert(
    asyncProperty(questions(), async ({ query, person }) => {
      const wanted = expected(query, person);
      expect(await walked(query, person)).toEqual(wanted.slice(0, PAGES * LIMIT));
      query.set('count', 'true');
      expect((await list(query, person)).total).toBe(wanted.length);
    }),
    { numRuns: QUESTIONS },
  );
}, 60_000);

it('finds a record by its filters whatever it has become', async () => {
  const id = uuidv7(Date.now());
  const model = 'a-model-of-its-own';
  const found = async (status: string): Promise<number> =>
    (await list(new URLSearchParams({ model, status }), AUDITOR)).items.length;
  await audit.store(aStart({ id, model }));
  expect([await found('in_progress'), await found('completed')]).toEqual([1, 0]);
  await audit.store(anEnd({ id }));
  expect([await found('in_progress'), await found('completed')]).toEqual([0, 1]);
});
