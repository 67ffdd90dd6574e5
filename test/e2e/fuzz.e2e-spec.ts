import { env } from 'node:process';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import {
  array,
  assert,
  asyncProperty,
  constantFrom,
  integer,
  json,
  oneof,
  record,
  string,
  tuple,
  uint8Array,
  type Arbitrary,
} from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  answer,
  combine,
  rawResponse,
  splitEvery,
  type Behaviour,
  type Call,
} from '../simulator/index.ts';
import {
  CHAT_COMPLETIONS,
  MESSAGES,
  RESPONSES,
  type ApiUnderTest,
} from '../support/api-under-test.ts';
import { Fleet } from '../support/fleet.ts';
import { recordOf } from '../support/record-of.ts';
import { WITHOUT_BREAKERS } from '../support/system.ts';

const fleet = new Fleet();
const PROVIDERS = { openai: fleet.provider('openai'), anthropic: fleet.provider('anthropic') };
const APIS = [MESSAGES, CHAT_COMPLETIONS, RESPONSES];

/** Cases per API and property; `FUZZ_RUNS=5000` is for a long night. */
const RUNS = Number(env['FUZZ_RUNS'] ?? 100);
const RUNS_LIMITS = { numRuns: RUNS, endOnFailure: true };
const TEST_MS = 60_000 + RUNS * 200;
const MAX_BODY = 64 * 1024;

/** What the simulator says to the call with this number. */
const scripted = new Map<string, Behaviour>();
let number = 0;

beforeAll(async () => {
  await fleet.start({ ...WITHOUT_BREAKERS, AIBRIDGE_MAX_BODY: '64KiB' });
  fleet.simulator.onAnyKey(saidTo);
});
afterAll(() => fleet.stop());

function saidTo({ headers }: Call): Behaviour {
  return scripted.get(String(headers['x-number'])) ?? answer();
}

async function post(
  api: ApiUnderTest,
  body: Uint8Array<ArrayBuffer>,
  { said, headers }: { said?: Behaviour; headers?: Record<string, string> } = {},
): Promise<{ res: Response; received: Buffer | undefined; call: Call | undefined }> {
  const mark = String((number += 1));
  if (said !== undefined) scripted.set(mark, said);
  const provider = api.type === 'anthropic' ? PROVIDERS.anthropic : PROVIDERS.openai;
  const res = await fetch(`${fleet.bridge.url}/${provider.name}${api.route}`, {
    method: 'POST',
    headers: { 'x-number': mark, ...headers },
    body,
    signal: AbortSignal.timeout(10_000),
  });
  const received = await res.arrayBuffer().then(
    (bytes) => Buffer.from(bytes),
    () => undefined,
  );
  const call = fleet.simulator.calls.find((one) => one.headers['x-number'] === mark);
  return { res, received, call };
}

function idOf({ headers }: Response): string {
  return headers.get('x-aibridge-interception-id') ?? '';
}

function bytesOf(text: string | Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text));
}

function streamingRequest(api: ApiUnderTest): Uint8Array<ArrayBuffer> {
  return bytesOf(JSON.stringify(api.body({ prompt: 'hi', streaming: true })));
}

/** A value where a request has one that matters, of any shape. */
const anyJson = json().map((text): unknown => JSON.parse(text));
const role = constantFrom('user', 'assistant', 'tool', 'system', 7, null);
const part = record({
  type: constantFrom('text', 'input_text', 'tool_result', 'function_call_output', 'image', 1),
  role,
  text: oneof(string(), anyJson),
  content: oneof(string(), anyJson, array(anyJson, { maxLength: 2 })),
  tool_use_id: oneof(string(), anyJson),
  tool_call_id: oneof(string(), anyJson),
  call_id: oneof(string(), anyJson),
});
const someParts = oneof(array(oneof(part, anyJson), { maxLength: 3 }), anyJson);
const requestLike: Arbitrary<object> = record(
  {
    model: oneof(string({ unit: 'binary' }), anyJson),
    stream: oneof(constantFrom(true, false, 'true', 1, null), anyJson),
    stream_options: oneof(record({ include_usage: anyJson }), anyJson),
    metadata: record({ user_id: oneof(string(), anyJson) }),
    messages: oneof(array(record({ role, content: someParts }), { maxLength: 3 }), anyJson),
    input: oneof(someParts, string()),
    '\u0000': string({ unit: 'binary' }),
  },
  { requiredKeys: [] },
);

/** Bytes of an array with some of them changed. */
function mutated(bytes: Uint8Array, changes: readonly (readonly [number, number])[]): Buffer {
  const copy = Buffer.from(bytes);
  for (const [at, byte] of changes) if (copy.length > 0) copy[at % copy.length] = byte;
  return copy;
}

const changes = array(tuple(integer({ min: 0, max: 100_000 }), integer({ min: 0, max: 255 })), {
  maxLength: 8,
});

describe.each(APIS)('$title', (api) => {
  test('any request gets an answer and a closed record', { timeout: TEST_MS }, async () => {
    const body = oneof(
      requestLike.map((request) => JSON.stringify(request)),
      tuple(requestLike, changes).map(([request, some]) =>
        mutated(Buffer.from(JSON.stringify(request)), some),
      ),
      uint8Array({ maxLength: 200 }),
    );
    const expected = new Map<string, string>();
    await assert(
      asyncProperty(body, async (sent) => {
        const { res, received, call } = await post(api, bytesOf(sent), {
          headers: { 'user-agent': 'claude-cli/2' },
        });
        expected.set(idOf(res), res.status === 200 ? 'completed' : 'failed');
        expect(received).toBeDefined();
        // A chat that streams goes up with a question added; the suite of that API looks at it.
        const isAsSent = call === undefined || api === CHAT_COMPLETIONS;
        expect(isAsSent ? undefined : call.body).toEqual(isAsSent ? undefined : Buffer.from(sent));
      }),
      RUNS_LIMITS,
    );
    for (const [id, status] of expected)
      expect(await fleet.tables.ended(id)).toMatchObject({ status });
  });

  test('any stream is relayed as it is, and its record closed', { timeout: TEST_MS }, async () => {
    await post(api, streamingRequest(api), {
      said: answer({ tools: [{ name: 'ls', input: {} }], thinking: 'hm' }),
    });
    const whole = fleet.simulator.calls.at(-1)?.sent.bytes ?? Buffer.alloc(0);
    const line = constantFrom(
      'data: ',
      'event: ',
      'id: ',
      ': ',
      '\n',
      '\r\n',
      '\r',
      '[DONE]',
      '{}',
    );
    const stream = oneof(
      changes.map((some) => mutated(whole, some)),
      tuple(integer({ min: 0, max: whole.length }), array(line, { maxLength: 9 })).map(
        ([at, lines]) =>
          Buffer.concat([whole.subarray(0, at), Buffer.from(lines.join('')), whole.subarray(at)]),
      ),
      array(oneof(line, json(), string({ unit: 'binary' })), { minLength: 1 }).map((lines) =>
        Buffer.from(lines.join('')),
      ),
    );
    const received = new Map<string, { relayed: Buffer | undefined; body: Buffer }>();
    await assert(
      asyncProperty(stream, integer({ min: 1, max: 400 }), async (body, every) => {
        const headers = { 'content-type': 'text/event-stream' };
        const said = combine(rawResponse({ headers, body }), splitEvery(every));
        const answered = await post(api, streamingRequest(api), { said });
        // What does not begin is no answer. What does is relayed, and told to be broken only after that.
        const relayed = answered.res.status === 200 ? answered.received : body;
        expect(relayed?.subarray(0, body.length)).toEqual(body);
        received.set(idOf(answered.res), { relayed, body });
      }),
      RUNS_LIMITS,
    );
    for (const [id, { relayed, body }] of received) {
      const { status } = await fleet.tables.ended(id);
      expect(status === 'completed' ? relayed : body).toEqual(body);
      expect(['completed', 'failed']).toContain(status);
    }
  });

  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ])('a %s body goes up as it was sent, and is audited', async (encoding, compress) => {
    const body = bytesOf(compress(JSON.stringify(api.body({ prompt: 'packed', streaming: true }))));
    const { res, call } = await post(api, body, { headers: { 'content-encoding': encoding } });
    expect(call?.body).toEqual(Buffer.from(body));
    expect(call?.headers['content-encoding']).toBe(encoding);
    const { row, prompts } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({ streaming: true, api: api.name });
    expect(prompts).toMatchObject([{ text: 'packed' }]);
  });

  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ])('a %s body that unfolds to too much is refused', async (encoding, compress) => {
    const body = bytesOf(compress(Buffer.alloc(MAX_BODY * 100, ' ')));
    expect(body.length).toBeLessThan(MAX_BODY);
    const { res, call } = await post(api, body, { headers: { 'content-encoding': encoding } });
    expect([res.status, call]).toEqual([413, undefined]);
    const { row } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({ status: 'failed', error_type: 'body_too_large' });
  });
});

test('after all of it no record is open and the bridge has nothing to complain of', async () => {
  const open = await fleet.tables.rows(`SELECT id FROM interceptions WHERE status = 'in_progress'`);
  expect(open).toEqual([]);
  expect(fleet.bridge.exitCode).toBeUndefined();
  expect(fleet.bridge.otherOutput).toEqual([]);
  expect(fleet.bridge.logs.filter(({ level }) => level === 'error')).toEqual([]);
});
