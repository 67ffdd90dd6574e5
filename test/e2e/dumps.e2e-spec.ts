import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  answer,
  badRequest,
  combine,
  cut,
  rateLimited,
  rawResponse,
  resetBeforeHeaders,
  unauthorized,
  withHeaders,
  type Behaviour,
  type Call,
} from '../simulator/index.ts';
import { APIS_UNDER_TEST, MESSAGES, type ApiUnderTest } from '../support/api-under-test.ts';
import { Caller } from '../support/exchange.ts';
import { Fleet, type FleetProvider } from '../support/fleet.ts';
import { parseAnswer, parseRequest } from '../support/parsed-dump.ts';

const ROOT = await mkdtemp(join(tmpdir(), 'aibridge-dumps-'));
const USER = 'canary-alice@corp.example';
const OWN_KEY = 'sk-canary-of-the-caller-alone-0001';
const IDENTITY = {
  'x-forwarded-user': USER,
  'x-forwarded-groups': 'canary-group-of-hers',
  'x-real-ip': '203.0.113.77',
  cookie: 'session=canary-cookie-of-a-session',
  'x-goog-api-key': 'canary-key-in-a-header-of-google',
  'x-amz-security-token': 'canary-token-in-a-header-of-aws',
};
/** As they go upstream, and are masked. */
const MASKED =
  /^(authorization|x-api-key|x-ai-bridge-actor-id|x-goog-api-key|x-amz-security-token)$/;

const fleet = new Fleet();

/** How a provider answers with each key, and how the attempts end then. */
const COURSES: readonly {
  readonly title: string;
  readonly behaviours: readonly Behaviour[];
}[] = [
  { title: 'an answer', behaviours: [answer()] },
  { title: 'an error', behaviours: [badRequest()] },
  { title: 'a second key after the first', behaviours: [rateLimited(), answer()] },
  { title: 'an answer that breaks off', behaviours: [combine(answer(), cut({ clean: false }))] },
  { title: 'no answer', behaviours: [resetBeforeHeaders()] },
];

const CASES = COURSES.flatMap((course) =>
  APIS_UNDER_TEST.flatMap((api) =>
    api.modes.map((mode) => ({ ...course, api, mode, provider: aProvider(api.type) })),
  ),
);
const OWN = aProvider('anthropic');
const ECHO = aProvider('openai');
const ODD = aProvider('openai');
const FULL = fleet.provider('anthropic', { DUMP_DIR: join(ROOT, 'a-file') });
const NONE = fleet.provider('anthropic');

function aProvider(type: string) {
  return fleet.provider(type, { DUMP_DIR: ROOT });
}

beforeAll(async () => {
  await writeFile(join(ROOT, 'a-file'), '');
  await fleet.start({ AIBRIDGE_IDENTITY: 'header', AIBRIDGE_SEND_ACTOR_HEADERS: 'true' });
});
afterEach(() => fleet.simulator.clear());
afterAll(async () => {
  await fleet.stop();
  await rm(ROOT, { recursive: true });
});

/** Of what lies below a directory, the path of every file. */
async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((each) => each.isFile())
    .map(({ parentPath, name }) => relative(directory, join(parentPath, name)))
    .toSorted();
}

async function countIn({ name }: FleetProvider): Promise<number> {
  return (await filesIn(join(ROOT, name))).length;
}

interface AttemptFiles {
  readonly stem: string;
  readonly call: Call;
}

/** Where the record says that the dumps of its attempts are. */
async function attemptFiles(caller: Caller, id: string): Promise<AttemptFiles[]> {
  const { attempts } = await caller.audited(id);
  const folder = caller.api.name === 'passthrough' ? 'passthrough' : modelOf(caller.api);
  const calls = fleet.callsOf(caller.provider);
  return attempts.map(({ started_at, turn, ordinal }, index) => {
    const call = calls[index];
    if (call === undefined) throw new Error(`attempt ${index} never reached the provider`);
    const startedAtMs = started_at instanceof Date ? started_at.getTime() : NaN;
    const name = `${startedAtMs}-${id}-t${String(turn)}-a${String(ordinal)}`;
    return { stem: join(caller.provider.name, folder, name), call };
  });
}

function modelOf(api: ApiUnderTest): string {
  const { model } = Object(api.body({ prompt: '', streaming: false }));
  return model;
}

/** Once it is there; what is dumped is written in the background. */
async function dumped(file: string, isWhole: (bytes: Buffer) => boolean = () => true) {
  let bytes = Buffer.alloc(0);
  await expect
    .poll(async () => {
      bytes = await readFile(join(ROOT, file)).catch(() => Buffer.alloc(0));
      return bytes.length > 0 && isWhole(bytes);
    })
    .toBe(true);
  return bytes;
}

function pairs(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name.toLowerCase(), raw[index + 1] ?? '']] : [],
  );
}

/** What may be shown of headers, in an order that does not depend on who adds which. */
function shown(raw: readonly string[]): string[] {
  return pairs(raw)
    .filter(([name]) => name !== 'connection')
    .map(([name, value]) => (MASKED.test(name) ? `${name}: …` : `${name}: ${value}`))
    .toSorted((a, b) => (a < b ? -1 : 1));
}

async function expectRequest({ stem, call }: AttemptFiles): Promise<void> {
  const parsed = await parseRequest(await dumped(`${stem}.req.txt`));
  expect(parsed).toMatchObject({ method: call.method, target: call.path, body: call.body });
  expect(shown(parsed.rawHeaders)).toEqual(shown(call.rawHeaders));
}

async function expectAnswer({ stem, call }: AttemptFiles): Promise<void> {
  const { bytes: sent, status } = call.sent;
  const hasCome = (bytes: Buffer): boolean => bytes.length > sent.length;
  const parsed = await parseAnswer(await dumped(`${stem}.resp.txt`, hasCome));
  expect([parsed.status, parsed.body.equals(sent)]).toEqual([status, true]);
  expect(parsed.isWhole || call.outcome === 'cut').toBe(true);
}

async function expectReason({ stem }: AttemptFiles): Promise<void> {
  expect(String(await dumped(`${stem}.req_error.txt`))).toMatch(/^\S.*\n$/);
}

describe.each(CASES)('$api.title, $mode: $title', ({ api, mode, provider, behaviours }) => {
  test('is dumped as it passed, each attempt by itself', async () => {
    const caller = new Caller(fleet, provider, api).script(behaviours);
    const res = await caller.send({ prompt: 'Grüße 🌍', mode, headers: IDENTITY });
    const text = await res.text().catch(() => undefined);
    const attempts = await attemptFiles(
      caller,
      res.headers.get('x-aibridge-interception-id') ?? '',
    );
    expect(attempts).toHaveLength(behaviours.length);
    for (const attempt of attempts) {
      const { outcome } = attempt.call;
      await expectRequest(attempt);
      if (outcome !== 'reset') await expectAnswer(attempt);
      if (outcome !== 'completed') await expectReason(attempt);
    }
    // What the caller gets is what came, dump or no dump.
    const last = attempts.at(-1)?.call;
    expect(last?.outcome !== 'completed' || text === last.sent.text).toBe(true);
  });
});

test('what the caller brought and what the provider gives away are masked', async () => {
  const own = new Caller(fleet, OWN, MESSAGES);
  fleet.simulator
    .key(OWN_KEY)
    .always(
      unauthorized({ message: `no ${OWN_KEY}`, headers: { 'set-cookie': 'a=canary-cookie' } }),
    );
  const headers = { ...IDENTITY, ...own.ownCredential(OWN_KEY) };
  await own.ask({ prompt: `my key is ${OWN_KEY}`, headers });
  fleet.simulator.onAnyKey(({ key }) =>
    combine(withHeaders({ 'x-echo': `${key}` }), rawResponse({ body: `{"key":"${key}"}` })),
  );
  const query = 'key=canary-key-in-a-query&api_key=canary-too&sig=canary-signature&limit=2';
  await fetch(`${fleet.bridge.url}/${ECHO.name}/v1/models?${query}`, { headers: IDENTITY });

  await expect.poll(() => countIn(ECHO)).toBe(2);
  await expect.poll(() => countIn(OWN)).toBe(2);
});

test('a model of any name has a folder below that of its provider', async () => {
  fleet.simulator.onAnyKey(answer());
  const models = ['../../escaped', '..', '/etc/passwd', 'a\0b', 'm'.repeat(5_000), '.'];
  for (const model of models) {
    const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] });
    const url = `${fleet.bridge.url}/${ODD.name}/v1/chat/completions`;
    await fetch(url, { method: 'POST', headers: IDENTITY, body }).then((res) => res.text());
  }
  await expect.poll(() => countIn(ODD)).toBe(2 * models.length);
  for (const file of await filesIn(join(ROOT, ODD.name)))
    expect(file).toMatch(/^[^/]{1,100}\/\d+-[\da-f-]+-t1-a1\./);
});

test('a directory that cannot be had costs no call: one line in the log, and a metric', async () => {
  fleet.simulator.onAnyKey(answer());
  const caller = new Caller(fleet, FULL, MESSAGES);
  for (let count = 0; count < 5; count += 1) {
    expect(await caller.ask({ headers: IDENTITY })).toMatchObject({ status: 200 });
  }
  const lost = `aibridge_dump_files_total{provider="${FULL.name}",result="failed"} 10`;
  await expect
    .poll(() => fetch(`${fleet.bridge.url}/metrics`).then((res) => res.text()))
    .toContain(lost);
  const lines = fleet.bridge.logs.filter(({ msg }) => msg === 'dumps are being lost');
  expect(lines).toMatchObject([{ level: 'warn', provider: FULL.name }]);
});

test('where none are asked for there are none', async () => {
  fleet.simulator.onAnyKey(answer());
  await new Caller(fleet, NONE, MESSAGES).ask({ headers: IDENTITY });
  expect(await readdir(ROOT)).not.toContain(NONE.name);
});

// Law 5, and who asked is nobody's business but the audit's. Last, when everything is dumped.
test('no secret and no identity is in any dump', async () => {
  const secrets = [
    ...CASES.flatMap(({ provider }) => provider.keys),
    ...[OWN, ECHO, ODD].flatMap(({ keys }) => keys),
    ...Object.values(IDENTITY),
    OWN_KEY,
    'canary',
  ];
  const files = await filesIn(ROOT);
  expect(files.length).toBeGreaterThan(100);
  for (const file of files) {
    const text = await readFile(join(ROOT, file), 'latin1');
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
  }
});
