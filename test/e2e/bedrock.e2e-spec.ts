import { gzipSync } from 'node:zlib';
import Anthropic from '@anthropic-ai/sdk';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  answer,
  awsChunk,
  awsException,
  combine,
  cut,
  errorMidStream,
  rawResponse,
  splitEvery,
  type Behaviour,
} from '../simulator/index.ts';
import { admit, bedrockOf, MAIN, SMALL, type BedrockProvider } from '../support/bedrock.ts';
import { Fleet } from '../support/fleet.ts';
import { fingerprintOf, hintOf } from '../support/mask.ts';
import { recordOf, type WholeRecord } from '../support/record-of.ts';
import { WITHOUT_BREAKERS } from '../support/system.ts';

const fleet = new Fleet();
const PLAIN = bedrockOf(fleet, 'plain');
const STRICT = bedrockOf(fleet, 'strict', { ALLOW_BYOK: 'false' });
const TABLED = bedrockOf(fleet, 'tabled', {
  BEDROCK_MODELS: 'claude-sonnet-*=anthropic.claude-sonnet-4-5-20250929-v1:0,exact=arn:aws:x:y/z',
});
const OLD = bedrockOf(fleet, 'old', { BEDROCK_MODEL: 'anthropic.claude-3-7-sonnet-20250219-v1:0' });

beforeAll(() => fleet.start({ AIBRIDGE_SEND_ACTOR_HEADERS: 'true', ...WITHOUT_BREAKERS }));
afterEach(() => {
  fleet.simulator.assertNoUnscripted();
  fleet.simulator.clear();
});
afterAll(() => fleet.stop());

const HELLO = { max_tokens: 64, messages: [{ role: 'user', content: 'hello' }] };
const SAID = answer({
  text: 'Hello, Ada 🌍.',
  thinking: 'Greet.',
  model: 'claude-opus-4-5-20251101',
  tools: [{ name: 'weather', input: { city: 'Paris' } }],
  usage: { input: 10, output: 20, cacheRead: 5, cacheWrite: 3 },
});

interface Asked {
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: string;
}

async function ask(provider: BedrockProvider, behaviour: Behaviour, asked: Asked = {}) {
  admit(fleet.simulator, provider);
  fleet.simulator.onAnyKey(behaviour);
  const { body = {}, headers = {}, query = '' } = asked;
  const res = await fetch(`${fleet.bridge.url}/${provider.name}/v1/messages${query}`, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify({ model: 'm', ...HELLO, ...body }),
  });
  const text = await res.text().catch((error: unknown) => String(error));
  return {
    res,
    text,
    call: fleet.simulator.calls.at(-1),
    record: () => recordOf(fleet.tables, res),
  };
}

function client({ name }: BedrockProvider): Anthropic {
  const baseURL = `${fleet.bridge.url}/${name}`;
  return new Anthropic({ baseURL, apiKey: 'aibridge', maxRetries: 0 });
}

describe('a client of Anthropic is served by Bedrock', () => {
  test.each([
    ['claude-opus-4-5', MAIN],
    ['claude-haiku-4-5', SMALL],
  ])('P-43, P-44: %s, blocking', async (model, served) => {
    admit(fleet.simulator, PLAIN);
    fleet.simulator.onAnyKey(SAID);
    const { data: message, response } = await client(PLAIN)
      .messages.create({ model, max_tokens: 64, messages: [{ role: 'user', content: 'hello' }] })
      .withResponse();

    expect(message.content.map(({ type }) => type)).toEqual(['thinking', 'text', 'tool_use']);
    const [call] = fleet.simulator.calls;
    expect(call?.path).toBe(`/model/${encodeURIComponent(served)}/invoke`);
    expect(call?.json).toEqual({
      anthropic_version: 'bedrock-2023-05-31',
      max_tokens: 64,
      messages: [{ role: 'user', content: 'hello' }],
    });
    const { row, attempts, usages, prompts, tools } = await recordOf(fleet.tables, response);
    const [key = ''] = PLAIN.keys;
    const credential = { credential_hint: hintOf(key), credential_fingerprint: fingerprintOf(key) };
    expect(row).toMatchObject({
      provider_type: 'bedrock',
      model: served,
      requested_model: model,
      served_model: 'claude-opus-4-5-20251101',
      status: 'completed',
      credential_kind: 'centralized',
      ...credential,
    });
    expect(attempts).toMatchObject([{ outcome: 'served', status: 200, ...credential }]);
    expect([usages.length, prompts.length, tools.length]).toEqual([1, 1, 1]);
  });

  test.each([
    ['as it comes', SAID],
    ['byte by byte', combine(SAID, splitEvery(1))],
    ['in pieces', combine(SAID, splitEvery(97))],
  ])('P-43: streaming, %s', async (_, behaviour) => {
    admit(fleet.simulator, PLAIN);
    fleet.simulator.onAnyKey(behaviour);
    const stream = client(PLAIN).messages.stream({
      model: 'claude-opus-4-5',
      max_tokens: 64,
      messages: [{ role: 'user', content: 'hello' }],
    });
    const message = await stream.finalMessage();
    expect(message.content).toMatchObject([
      { type: 'thinking', thinking: 'Greet.' },
      { type: 'text', text: 'Hello, Ada 🌍.' },
      { type: 'tool_use', input: { city: 'Paris' } },
    ]);
    expect(fleet.simulator.calls[0]?.path).toMatch(/\/invoke-with-response-stream$/);
    expect(fleet.simulator.calls[0]?.headers['accept']).toBe('application/vnd.amazon.eventstream');
    const { response } = await stream.withResponse();
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const { row } = await recordOf(fleet.tables, response);
    expect(row).toMatchObject({ status: 'completed', streaming: true, usage_source: 'provider' });
  });

  test('P-43: events that come as Anthropic sends them pass byte for byte', async () => {
    const body = 'event: message_stop\ndata:  {"type":"message_stop"}\n\n';
    const behaviour = rawResponse({ headers: { 'content-type': 'text/event-stream' }, body });
    expect((await ask(PLAIN, behaviour, { body: { stream: true } })).text).toBe(body);
  });

  test('P-44: by the table, and the record has both names', async () => {
    const { call, record } = await ask(TABLED, SAID, { body: { model: 'claude-sonnet-4-5' } });
    expect(call?.model).toBe('anthropic.claude-sonnet-4-5-20250929-v1:0');
    expect((await record()).row).toMatchObject({
      model: 'anthropic.claude-sonnet-4-5-20250929-v1:0',
      requested_model: 'claude-sonnet-4-5',
    });
    const exact = await ask(TABLED, SAID, { body: { model: 'exact' } });
    expect(exact.call?.path).toBe('/model/arn%3Aaws%3Ax%3Ay%2Fz/invoke');
  });
});

describe('what is sent to AWS', () => {
  test('P-46, P-47: is what Bedrock knows, and the record says what is not', async () => {
    const { call, record } = await ask(PLAIN, SAID, {
      query: '?beta=true',
      body: '{"model":"m","seed":9007199254740993,"metadata":{"user_id":"u"},"max_tokens":1,"messages":[]}',
      headers: { 'anthropic-beta': 'interleaved-thinking-2025-05-14,unknown-1' },
    });
    expect(call?.path).not.toContain('?');
    expect(call?.headers['anthropic-beta']).toBeUndefined();
    expect(call?.body.toString()).toBe(
      '{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["interleaved-thinking-2025-05-14"],' +
        '"seed":9007199254740993,"max_tokens":1,"messages":[]}',
    );
    expect((await record()).row['notes']).toEqual([
      'Bedrock was not sent the beta unknown-1',
      'Bedrock was not sent the field metadata',
    ]);
  });

  // Faults a and b of the reference: the caller's key went to AWS, and was said to have paid.
  test.each([
    { 'x-api-key': 'sk-ant-callers-own-key' },
    { authorization: 'Bearer sk-ant-callers-own-key' },
    { 'x-amz-security-token': 'callers-own', 'x-amzn-bedrock-guardrailidentifier': 'none' },
  ])('has nothing of the credentials of a caller: %j', async (headers) => {
    const { res, call, record } = await ask(PLAIN, SAID, { headers });
    expect(res.status).toBe(200);
    expect(JSON.stringify(call?.rawHeaders)).not.toMatch(/callers-own|guardrail/);
    expect((await record()).row).toMatchObject({
      credential_kind: 'centralized',
      credential_hint: hintOf(PLAIN.keys[0] ?? ''),
    });
  });

  test('is unpacked when it came packed', async () => {
    admit(fleet.simulator, PLAIN);
    fleet.simulator.onAnyKey(SAID);
    const res = await fetch(`${fleet.bridge.url}/${PLAIN.name}/v1/messages`, {
      method: 'POST',
      headers: { 'content-encoding': 'gzip', 'content-type': 'application/json' },
      body: gzipSync(JSON.stringify({ model: 'm', ...HELLO, text: 'x'.repeat(300_000) })),
    });
    expect(res.status).toBe(200);
    await res.arrayBuffer();
    const [call] = fleet.simulator.calls;
    expect(call?.headers['content-encoding']).toBeUndefined();
    expect(call?.json).toMatchObject({ ...HELLO, text: 'x'.repeat(300_000) });
  });

  test('but who calls, where that is wanted', async () => {
    const { call } = await ask(PLAIN, SAID, { headers: { 'user-agent': 'claude-cli/2.0' } });
    expect(call?.headers).toMatchObject({
      'x-ai-bridge-actor-id': 'local',
      'user-agent': 'claude-cli/2.0',
    });
  });

  test('is nothing where a caller may not bring a key and does', async () => {
    const { res } = await ask(STRICT, SAID, { headers: { 'x-api-key': 'sk-ant-own' } });
    expect([res.status, res.headers.get('x-aibridge-error')]).toEqual([403, 'byok_disabled']);
    expect((await ask(STRICT, SAID, { headers: { 'x-api-key': 'aibridge' } })).res.status).toBe(
      200,
    );
  });

  // Fault d of the reference: who asked for a schema got free text and was not told.
  test('is not a question without the shape that its answer is to have', async () => {
    const body = { output_config: { format: { type: 'json_schema', schema: {} } } };
    const { res, text, record } = await ask(OLD, SAID, { body });
    expect([res.status, res.headers.get('x-aibridge-error')]).toEqual([400, 'bad_request']);
    expect(text).toContain('output_config.format');
    expect(fleet.simulator.calls).toEqual([]);
    const { row, prompts }: WholeRecord = await record();
    expect(row).toMatchObject({
      status: 'failed',
      requested_model: 'm',
      error_type: 'bad_request',
    });
    expect(prompts).toHaveLength(1);
    const held = await ask(PLAIN, SAID, { body });
    expect(held.call?.json).toMatchObject(body);
  });
});

const STREAMED = { body: { stream: true } };
const START =
  '{"type":"message_start","message":{"id":"msg_1","model":"x","usage":{"input_tokens":1,"output_tokens":1}}}';

function framed(...frames: readonly Buffer[]): Behaviour {
  const headers = { 'content-type': 'application/vnd.amazon.eventstream' };
  return rawResponse({ headers, body: Buffer.concat(frames) });
}

describe('a stream that breaks off is never a whole answer', () => {
  test('P-43: an exception in the middle is an error of Anthropic', async () => {
    const { text, record } = await ask(PLAIN, errorMidStream('overloaded'), STREAMED);
    expect(text).toContain(
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"',
    );
    expect((await record()).row).toMatchObject({ status: 'failed', error_type: 'overloaded' });
  });

  test.each<[string, Behaviour, string, string]>([
    [
      'cut between frames',
      combine(SAID, cut({ clean: true, afterEvents: 2 })),
      'upstream_truncated',
      'broke off',
    ],
    [
      'cut in a frame',
      combine(SAID, cut({ clean: true, afterBytes: 900 })),
      'upstream_truncated',
      'broke off',
    ],
    [
      'lost',
      combine(SAID, cut({ clean: false, afterBytes: 900 })),
      'upstream_truncated',
      'broke off',
    ],
    [
      'damaged',
      framed(awsChunk(START), damaged(awsChunk(START))),
      'upstream_malformed',
      'cannot be read',
    ],
    [
      'without an event',
      framed(awsChunk(START), awsChunk('x')),
      'upstream_malformed',
      'cannot be read',
    ],
  ])('%s', async (_, behaviour, error, words) => {
    const { res, text, record } = await ask(PLAIN, behaviour, STREAMED);
    expect(res.status).toBe(200);
    expect(text).toMatch(new RegExp(`event: error\ndata: .*"api_error".*${words}.*\n\n$`));
    const { row, attempts } = await record();
    expect(row).toMatchObject({ status: 'failed', error_type: error });
    expect(attempts).toMatchObject([{ outcome: 'transport_error' }]);
  });

  test('damaged from its first frame on it is no answer at all', async () => {
    const { res } = await ask(PLAIN, framed(damaged(awsChunk(START))), STREAMED);
    expect([res.status, res.headers.get('x-aibridge-error')]).toEqual([502, 'upstream_malformed']);
  });

  test('an exception that opens it is an error, and nothing but that', async () => {
    const { text, record } = await ask(
      PLAIN,
      framed(awsException('validationException', 'no')),
      STREAMED,
    );
    expect(text).toContain('"type":"invalid_request_error","message":"ValidationException: no"');
    expect((await record()).row).toMatchObject({ status: 'failed', error_type: 'invalid_request' });
  });
});

test('Bedrock is for messages only', async () => {
  for (const route of ['/v1/messages/count_tokens', '/v1/models', '/model/m/invoke']) {
    const res = await fetch(`${fleet.bridge.url}/${PLAIN.name}${route}`, {
      method: 'POST',
      body: '{}',
    });
    expect(res.status).toBe(404);
  }
});

function damaged(frame: Buffer): Buffer {
  const bytes = Buffer.from(frame);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 20) ^ 1, bytes.length - 20);
  return bytes;
}
