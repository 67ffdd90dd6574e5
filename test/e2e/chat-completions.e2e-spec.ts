import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  answer,
  badRequest,
  combine,
  crlf,
  cut,
  errorFirst,
  errorMidStream,
  missingTerminal,
  type Answer,
} from '../simulator/index.ts';
import { Fleet, type FleetProvider } from '../support/fleet.ts';
import { recordOf, type WholeRecord } from '../support/record-of.ts';

const fleet = new Fleet();
const OPENAI = fleet.provider('openai');
const FAILING_OVER = fleet.provider('openai');

beforeAll(() => fleet.start());
afterEach(() => {
  fleet.simulator.assertNoUnscripted();
  fleet.simulator.clear();
});
afterAll(() => fleet.stop());

const REQUEST = { model: 'gpt-5', messages: [{ role: 'user', content: 'list my files' }] };
const STREAM = { ...REQUEST, stream: true };
const STREAM_WITH_USAGE = { ...STREAM, stream_options: { include_usage: true } };

const SAID = {
  text: 'I will look.',
  thinking: 'They want their files.',
  tools: [
    { name: 'ls', input: { path: '/' } },
    { name: 'cat', input: 'not json' },
    { name: 'grep', input: 'free text', isCustom: true },
  ],
  usage: { input: 40, output: 9, cacheRead: 50, cacheWrite: 10, reasoning: 4, inputAudio: 3 },
} satisfies Answer;

function post(
  body: unknown,
  {
    provider = OPENAI,
    headers = {},
  }: { provider?: FleetProvider; headers?: Record<string, string> } = {},
): Promise<Response> {
  return fetch(`${fleet.bridge.url}/${provider.name}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body),
  });
}

async function lastSent(): Promise<Buffer> {
  const [call] = await fleet.simulator.waitForCalls(1);
  return call?.sent.bytes ?? Buffer.alloc(0);
}

/** What the simulator sent without the frame that only the bridge asked for. */
async function sentWithoutUsage(): Promise<string> {
  const frames = (await lastSent()).toString().split(/(?<=\n\n|\r\n\r\n)/);
  const visible = frames.filter((frame) => !frame.includes('"choices":[]'));
  expect(visible).toHaveLength(frames.length - 1);
  return visible.join('');
}

function expectAllRecorded({ row, usages, prompts, tools, thoughts }: WholeRecord): void {
  expect(row).toMatchObject({
    api: 'chat_completions',
    status: 'completed',
    model: 'gpt-5',
    usage_source: 'provider',
  });
  expect(usages).toMatchObject([
    {
      input: '40',
      output: '9',
      cache_read: '50',
      cache_write: '10',
      extra: { prompt_audio: 3, completion_reasoning: 4 },
    },
  ]);
  expect(prompts).toMatchObject([{ text: 'list my files' }]);
  expect(tools).toMatchObject([
    { tool: 'ls', input: '{"path":"/"}' },
    { tool: 'cat', input: 'not json' },
    { tool: 'grep', input: 'free text' },
  ]);
  expect(new Set(tools.map((tool) => tool['tool_call_id'])).size).toBe(3);
  expect(thoughts).toMatchObject([{ source: 'thinking', text: 'They want their files.' }]);
}

test('records all of a blocking answer and relays its bytes', async () => {
  fleet.simulator.onAnyKey(answer(SAID));
  const res = await post(REQUEST);
  expect(Buffer.from(await res.arrayBuffer())).toEqual(await lastSent());
  expectAllRecorded(await recordOf(fleet.tables, res));
});

test('records all of a stream whose caller asks for usage and relays its bytes', async () => {
  fleet.simulator.onAnyKey(answer(SAID));
  const res = await post(STREAM_WITH_USAGE);
  expect(Buffer.from(await res.arrayBuffer())).toEqual(await lastSent());
  expectAllRecorded(await recordOf(fleet.tables, res));
  expect(fleet.simulator.calls[0]?.json).toEqual(STREAM_WITH_USAGE);
});

describe('a caller that does not ask for usage', () => {
  test.each([
    ['LF', answer(SAID)],
    ['CRLF', combine(answer(SAID), crlf())],
  ])('gets every byte but the usage chunk, and is audited all the same: %s', async (_, said) => {
    fleet.simulator.onAnyKey(said);
    const res = await post(STREAM);
    expect(await res.text()).toBe(await sentWithoutUsage());
    expectAllRecorded(await recordOf(fleet.tables, res));
  });

  test('has the rest of its request go up as it was written', async () => {
    fleet.simulator.onAnyKey(answer());
    const body = '{ "stream":true,\n "seed":9007199254740993, "x": 1e400, "messages":[]}';
    await (await post(Buffer.from(body))).text();
    expect(fleet.simulator.calls[0]?.body.toString()).toBe(
      body.replace('{', '{"stream_options":{"include_usage":true},'),
    );
  });

  test('may have compressed its request, which then goes up uncompressed', async () => {
    fleet.simulator.onAnyKey(answer(SAID));
    const body = gzipSync(JSON.stringify(STREAM));
    const res = await post(body, { headers: { 'content-encoding': 'gzip' } });
    expect(await res.text()).toBe(await sentWithoutUsage());
    expectAllRecorded(await recordOf(fleet.tables, res));
    expect(fleet.simulator.calls[0]?.headers['content-encoding']).toBeUndefined();
    expect(fleet.simulator.calls[0]?.json).toEqual(STREAM_WITH_USAGE);
  });

  test('gets what a provider that ignores the question sends', async () => {
    fleet.simulator.onAnyKey(answer({ usage: 'none' }));
    const res = await post(STREAM);
    expect(await res.text()).toBe((await lastSent()).toString());
    const { row } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({ status: 'completed', usage_source: 'none' });
  });
});

test('correlates a tool result with the call that asked for it', async () => {
  fleet.simulator.onAnyKey(answer());
  const call = { id: 'call_7', type: 'function', function: { name: 'ls', arguments: '{}' } };
  const messages = [
    ...REQUEST.messages,
    { role: 'assistant', content: null, tool_calls: [call] },
    { role: 'tool', tool_call_id: 'call_7', content: 'x' },
  ];
  const res = await post({ ...REQUEST, messages });
  const { row, prompts } = await recordOf(fleet.tables, res);
  expect(row['correlating_tool_call_id']).toBe('call_7');
  expect(prompts).toEqual([]);
});

describe('a stream that ends without [DONE]', () => {
  const WITHOUT_LAST_EVENT = 'the answer was finished, but its stream ended without its last event';

  test.each([
    ['one choice', STREAM_WITH_USAGE],
    ['two choices', { ...STREAM_WITH_USAGE, n: 2 }],
  ])('is whole when each is finished, with a note: %s', async (_, request) => {
    fleet.simulator.onAnyKey(combine(answer(SAID), missingTerminal()));
    const res = await post(request);
    expect(await res.text()).toBe((await lastSent()).toString());
    const { row, attempts, tools } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({
      status: 'completed',
      usage_source: 'provider',
      output_tokens: '9',
      notes: [WITHOUT_LAST_EVENT],
    });
    expect(attempts).toMatchObject([{ outcome: 'served' }]);
    expect(tools).toHaveLength(request === STREAM_WITH_USAGE ? 3 : 6);
  });

  test('is cut when a choice that was asked for has not come', async () => {
    // The simulator sends one choice after the other: a preamble, a text, a finish_reason each.
    const said = combine(answer({ text: 'hi', chunks: 1 }), cut({ afterEvents: 3, clean: true }));
    fleet.simulator.onAnyKey(said);
    const res = await post({ ...STREAM_WITH_USAGE, n: 2 });
    expect(await res.text()).toContain('upstream_truncated');
    const { row } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({ status: 'failed', notes: [] });
  });
});

describe('errors', () => {
  test('of the provider before a stream are relayed as they are', async () => {
    fleet.simulator.onAnyKey(badRequest());
    const res = await post(STREAM);
    expect(res.status).toBe(400);
    expect(await res.text()).toBe((await lastSent()).toString());
    const { row } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({ status: 'failed', error_type: 'invalid_request' });
  });

  test('of the bridge come in the envelope of the provider', async () => {
    const res = await post(Buffer.from('no json'));
    expect([res.status, await res.json()]).toEqual([
      400,
      {
        error: {
          message: expect.stringMatching(
            /^AI Bridge: The request body is not a JSON object\. \(interception /,
          ),
          type: 'invalid_request_error',
          param: null,
          code: 'bad_request',
        },
      },
    ]);
  });

  test('as the first event of a stream move on to the next key', async () => {
    const [first = '', second = ''] = FAILING_OVER.keys;
    fleet.simulator.key(first).always(errorFirst('rate_limited'));
    fleet.simulator.key(second).always(answer({ text: 'hello', chunks: 1 }));
    const res = await post(STREAM, { provider: FAILING_OVER });
    expect(await res.text()).toContain('hello');
    const { attempts, row } = await recordOf(fleet.tables, res);
    expect(attempts).toMatchObject([{ outcome: 'rate_limited' }, { outcome: 'served' }]);
    expect(row).toMatchObject({ status: 'completed', failed_over: true });
  });

  test('in the middle of a stream are relayed and recorded', async () => {
    fleet.simulator.onAnyKey(errorMidStream('overloaded'));
    const res = await post(STREAM);
    expect(await res.text()).toBe((await lastSent()).toString());
    const { row } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({ status: 'failed', error_type: 'overloaded' });
  });

  test.each([
    ['ends in the middle', cut({ clean: true })],
    ['is cut off', cut({ clean: false })],
    ['is reset', cut({ clean: false, reset: true })],
  ])('end a stream that %s, for the caller and for the record', async (_, broken) => {
    fleet.simulator.onAnyKey(broken);
    const res = await post(STREAM_WITH_USAGE);
    const sent = (await fleet.simulator.waitForCall()).sent;
    const text = await res.text();
    expect(text.startsWith(sent.text)).toBe(true);
    const told = text.slice(sent.text.length);
    expect(told).toMatch(
      /^data: \{"error":\{.*"code":"upstream_truncated"\}\}\n\ndata: \[DONE\]\n\n$/,
    );
    const { row } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({ status: 'failed', error_type: 'upstream_truncated' });
  });
});
