import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  answer,
  badRequest,
  combine,
  creditExhausted,
  cut,
  errorFirst,
  errorMidStream,
  forbidden,
  neverAnswers,
  overloaded,
  rateLimited,
  rawResponse,
  resetBeforeHeaders,
  serverError,
  stall,
  startSimulator,
  unauthorized,
  withHeaders,
  type Behaviour,
  type Call,
  type Simulator,
} from '../simulator/index.ts';
import { APIS_UNDER_TEST } from '../support/api-under-test.ts';
import { Bridge } from '../support/bridge.ts';
import { createTestDatabase, temporaryDataDir, type TestDatabase } from '../support/postgres.ts';

// Protects law 5: a pool key exists in one place in memory and on one wire, and nothing else
// has more of it than its hint. Providers here do what they can to give the key away.

const KEYS = {
  anthropic: [
    'sk-ant-CANARYqWxZjKvYpLgHtRnMbUsQd-first',
    'sk-ant-CANARYzPkXvJwQyGhLrTmNdBsFu-other',
  ],
  openai: [
    'sk-proj-CANARYvTqJxWzKyPnGrLhMdSbFc-first',
    'sk-proj-CANARYjYwKzVxQpRgNtLmHsDbUf-other',
  ],
} as const;
const ALL_KEYS = Object.values(KEYS).flat();

/** What a provider may say that has the key in it. */
const FAULTS: readonly ((call: Call) => Behaviour)[] = [
  () => answer({ text: 'fine' }),
  ({ key }) => withHeaders({ 'x-echoed-key': `${key}`, 'x-api-key': `${key}` }),
  ({ key }) => unauthorized({ message: `Incorrect API key provided: ${key}` }),
  ({ key }) => forbidden({ message: `${key} is not allowed`, headers: { 'x-key': `is ${key}` } }),
  ({ key }) => rateLimited({ retryAfterMs: 1, message: `${key} is limited` }),
  ({ key }) => badRequest({ message: `sent with ${key}, twice: ${key}` }),
  ({ key }) => serverError(500, { message: `stack trace of ${key}` }),
  ({ key }) => overloaded({ message: `no room for ${key}` }),
  ({ key }) => creditExhausted({ status: 402, message: `${key} must be paid for` }),
  ({ key }) => errorFirst('unauthorized', { message: `Incorrect API key provided: ${key}` }),
  ({ key }) => errorFirst('overloaded', { message: `no room for ${key}` }),
  ({ key }) => errorMidStream('overloaded', { message: `no room for ${key}` }),
  ({ key }) => rawResponse({ status: 502, body: `<html>${key}</html>` }),
  ({ key }) => rawResponse({ status: 400, body: `${'x'.repeat(70_000)}${key}` }),
  ({ key, headers }) =>
    rawResponse({
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: 'echo', echoed: { key, headers } }),
    }),
  () => resetBeforeHeaders(),
  () => neverAnswers(),
  () => combine(answer(), cut({ clean: false })),
  () => combine(answer(), cut({ clean: true })),
  () => combine(answer(), stall()),
];

let simulator: Simulator;
let database: TestDatabase;
let bridge: Bridge;
let dataDir: string;

beforeAll(async () => {
  [simulator, database] = await Promise.all([startSimulator(), createTestDatabase()]);
  dataDir = await temporaryDataDir();
  bridge = await Bridge.start({ env: environment(), dataDir });
});

afterAll(async () => {
  await bridge.exited();
  await rm(dataDir, { recursive: true });
  await simulator.close();
  await database.drop();
});

test('no pool key is anywhere but on the wire to its provider, not even in part', async () => {
  const places = new Map<string, string>();
  for (const [index, fault] of FAULTS.entries()) {
    simulator.onAnyKey(fault);
    await callEverything(`fault ${index}`, places);
    await resetKeys();
  }
  for (const route of OWN_ROUTES) places.set(route, await ask(route));
  // Before the last of the journal is in the database and goes.
  await addFiles(bridge.dataDir, places);
  bridge.signal('SIGTERM');
  await bridge.exited();
  places.set('log', JSON.stringify(bridge.logs) + bridge.otherOutput.join('\n'));
  await addTables(places);

  expect(ALL_KEYS.flatMap((key) => leaksOf(key, places))).toEqual([]);
  expect(usedKeys()).toEqual(new Set(ALL_KEYS));
  const dumps = [...places.keys()].filter((place) => place.startsWith('file dumps/'));
  expect(dumps.length).toBeGreaterThan(100);
}, 60_000);

/** What the bridge tells of itself. */
const OWN_ROUTES = [
  '/metrics',
  '/readyz',
  '/api/v1/keys',
  '/api/v1/keys/events',
  '/api/v1/interceptions?limit=1000',
  '/api/v1/interceptions/export?format=ndjson',
  '/api/v1/usage?groupBy=credential',
];

function environment(): Record<string, string> {
  const variables = Object.entries(KEYS).flatMap(([type, keys], index) => {
    const prefix = `AIBRIDGE_PROVIDER_${index}_`;
    return [
      [`${prefix}TYPE`, type],
      [`${prefix}BASE_URL`, `${simulator.url}${type === 'openai' ? '/v1' : ''}`],
      [`${prefix}KEYS`, keys.join(',')],
      [`${prefix}DUMP_DIR`, path.join(dataDir, 'dumps')],
      [`${prefix}FIRST_BYTE_TIMEOUT`, '150ms'],
      [`${prefix}IDLE_TIMEOUT`, '150ms'],
    ];
  });
  return {
    DATABASE_URL: database.url,
    LOG_LEVEL: 'trace',
    AIBRIDGE_BREAKER: 'off',
    AIBRIDGE_COOLDOWN_DEFAULT: '1ms',
    ...Object.fromEntries(variables),
  };
}

async function callEverything(label: string, places: Map<string, string>): Promise<void> {
  for (const api of APIS_UNDER_TEST) {
    for (const mode of api.modes) {
      const body = api.body({ prompt: label, streaming: mode === 'streaming' });
      const place = `${api.title}, ${mode}, ${label}`;
      places.set(place, await ask(`/${api.type}${api.route}`, JSON.stringify(body)));
    }
  }
  for (const type of Object.keys(KEYS)) {
    places.set(`models of ${type}, ${label}`, await ask(`/${type}/v1/models`));
  }
}

/** Head and body of an answer, as far as they came. */
async function ask(route: string, body?: string): Promise<string> {
  const res = await fetch(`${bridge.url}${route}`, { ...(body && { method: 'POST', body }) });
  const head = JSON.stringify([...res.headers]);
  const text = await res.text().catch((error: unknown) => String(error));
  return head + text;
}

/** So that every fault meets every key. */
async function resetKeys(): Promise<void> {
  const res = await fetch(`${bridge.url}/api/v1/keys`);
  const { items }: { items: readonly { provider: string; fingerprint: string }[] } = Object(
    await res.json(),
  );
  for (const { provider, fingerprint } of items) {
    const url = `${bridge.url}/api/v1/keys/${provider}/${fingerprint}/reset`;
    await fetch(url, { method: 'POST' }).then((reset) => reset.arrayBuffer());
  }
}

async function addTables(places: Map<string, string>): Promise<void> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
  );
  for (const { name } of rows) {
    const all = await client.query(`SELECT * FROM "${name}"`);
    places.set(`table ${name}`, JSON.stringify(all.rows));
  }
  await client.end();
}

async function addFiles(directory: string, places: Map<string, string>): Promise<void> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((one) => one.isFile())) {
    const file = path.join(entry.parentPath, entry.name);
    places.set(`file ${path.relative(directory, file)}`, await readFile(file, 'latin1'));
  }
}

/** More of a key in a row than the hint has of it. */
const PART_LENGTH = 8;

/** Where a key stands, plain or in base64, whole or in part. */
function leaksOf(key: string, places: ReadonlyMap<string, string>): string[] {
  const parts = Array.from({ length: key.length - PART_LENGTH + 1 }, (_, start) =>
    key.slice(start, start + PART_LENGTH),
  ).filter((part) => !part.startsWith('sk-'));
  const wanted = [...parts, Buffer.from(key).toString('base64').slice(0, 24)];
  return [...places].flatMap(([place, text]) => {
    const found = wanted.find((part) => text.includes(part));
    return found === undefined ? [] : [`${place}: ${found} of ${key}`];
  });
}

function usedKeys(): Set<string> {
  return new Set(simulator.calls.flatMap(({ key }) => key ?? []));
}
