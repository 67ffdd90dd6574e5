import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { request } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  answer,
  combine,
  compressed,
  creditExhausted,
  missingTerminal,
  rawResponse,
  type Behaviour,
} from '../simulator/index.ts';
import {
  CHAT_COMPLETIONS,
  MESSAGES,
  RESPONSES,
  type ApiUnderTest,
  type Mode,
} from '../support/api-under-test.ts';
import { Fleet, type FleetProvider } from '../support/fleet.ts';

const MIB = 1024 * 1024;

const fleet = new Fleet();
const PROVIDERS = { openai: fleet.provider('openai'), anthropic: fleet.provider('anthropic') };
const POORER = fleet.provider('anthropic');

beforeAll(() => fleet.start());
afterEach(() => fleet.simulator.clear());
afterAll(() => fleet.stop());

/** With a client that unpacks nothing. */
async function ask(
  api: ApiUnderTest,
  mode: Mode,
  provider: FleetProvider = api.type === 'anthropic' ? PROVIDERS.anthropic : PROVIDERS.openai,
) {
  const { statusCode, headers, body } = await request(
    `${fleet.bridge.url}/${provider.name}${api.route}`,
    {
      method: 'POST',
      body: JSON.stringify(api.body({ prompt: 'hi', streaming: mode === 'streaming' })),
    },
  );
  const bytes = Buffer.from(await body.arrayBuffer());
  const id = String(headers['x-aibridge-interception-id']);
  const row = await fleet.tables.ended(id);
  return { statusCode, headers, bytes, row, id };
}

const SAID = answer({
  text: 'hello',
  tools: [{ name: 'ls', input: { path: '/' } }],
  usage: { input: 3, output: 4 },
});

describe.each([MESSAGES, CHAT_COMPLETIONS, RESPONSES])('$title', (api) => {
  test.each([
    ['gzip', 'blocking'],
    ['gzip', 'streaming'],
    ['br', 'blocking'],
    ['br', 'streaming'],
    ['zstd', 'blocking'],
    ['zstd', 'streaming'],
  ] as const)('an answer in %s, %s, goes down as it came and is read', async (encoding, mode) => {
    fleet.simulator.onAnyKey(combine(SAID, compressed(encoding)));
    const { headers, bytes, row, id } = await ask(api, mode);

    expect(headers['content-encoding']).toBe(encoding);
    expect(bytes).toEqual(fleet.simulator.calls[0]?.sent.bytes);
    expect(row).toMatchObject({
      status: 'completed',
      input_tokens: '3',
      output_tokens: '4',
      usage_source: 'provider',
      notes: [],
    });
    expect(await fleet.tables.children('tool_usages', id)).toMatchObject([{ tool: 'ls' }]);
  });
});

test('an error in a compressed body is understood: a key without credit gives way', async () => {
  const [first = '', second = ''] = POORER.keys;
  fleet.simulator.key(first).always(combine(creditExhausted(), compressed('gzip')));
  fleet.simulator.key(second).always(answer());
  const { statusCode, id } = await ask(MESSAGES, 'blocking', POORER);

  expect(statusCode).toBe(200);
  expect(await fleet.tables.children('attempts', id)).toMatchObject([
    { outcome: 'quota_exhausted', error: expect.stringContaining('credit') },
    { outcome: 'served' },
  ]);
});

test('a compressed stream without its last event is recorded whole when it was finished', async () => {
  fleet.simulator.onAnyKey(combine(SAID, missingTerminal(), compressed('gzip')));
  const { bytes, row } = await ask(MESSAGES, 'streaming');

  expect(bytes).toEqual(fleet.simulator.calls[0]?.sent.bytes);
  const notes = [expect.stringContaining('ended without its last event')];
  expect(row).toMatchObject({ status: 'completed', usage_source: 'provider', notes });
});

test('a compressed stream that was not finished is recorded as cut', async () => {
  fleet.simulator.onAnyKey(combine(SAID, missingTerminal(), compressed('gzip')));
  const { bytes, row } = await ask(RESPONSES, 'streaming');

  expect(bytes).toEqual(fleet.simulator.calls[0]?.sent.bytes);
  expect(row).toMatchObject({ status: 'failed', error_type: 'upstream_truncated' });
});

const JSON_TEXT = '{"id":"msg_1","content":[],"usage":{"input_tokens":3,"output_tokens":4}}';
const READ = { status: 'completed', input_tokens: '3', output_tokens: '4', notes: [] };
const NO_GZIP = { status: 'failed', error_type: 'upstream_malformed', notes: [] };
const UNREAD = { status: 'completed', error_type: null, usage_source: 'none' };

// The last of these unfolds to more than a thousand times its size, and is not let.
test.each<[string, string, () => Buffer | string, object]>([
  ['deflate', 'deflate', () => deflateSync(JSON_TEXT), READ],
  ['twice', 'gzip, br', () => brotliCompressSync(gzipSync(JSON_TEXT)), READ],
  ['no gzip at all', 'gzip', () => JSON_TEXT, NO_GZIP],
  ['half of it', 'gzip', () => gzipSync(JSON_TEXT).subarray(0, 20), NO_GZIP],
  [
    'an encoding of tomorrow',
    'dcz',
    () => JSON_TEXT,
    { ...UNREAD, notes: [expect.stringMatching(/dcz/)] },
  ],
  [
    'a bomb',
    'gzip',
    () => gzipSync(Buffer.alloc(64 * MIB)),
    { ...UNREAD, notes: [expect.stringMatching(/too long/)] },
  ],
])('a body that is %s goes down as it came', async (_, encoding, body, record) => {
  const sent = Buffer.from(body());
  const said: Behaviour = rawResponse({ headers: { 'content-encoding': encoding }, body: sent });
  fleet.simulator.onAnyKey(said);
  const { statusCode, bytes, row } = await ask(MESSAGES, 'blocking');

  expect([statusCode, bytes.equals(sent)]).toEqual([200, true]);
  expect(row).toMatchObject(record);
});
