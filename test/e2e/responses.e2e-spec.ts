import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  answer,
  badRequest,
  combine,
  commentFrames,
  cut,
  errorFirst,
  errorMidStream,
  missingTerminal,
  rawResponse,
  unknownEvents,
  type Answer,
} from '../simulator/index.ts';
import { Fleet, type FleetProvider } from '../support/fleet.ts';
import { recordOf } from '../support/record-of.ts';
import { head, Wire } from '../support/wire.ts';
import { WITHOUT_BREAKERS } from '../support/system.ts';

const fleet = new Fleet();
const OPENAI = fleet.provider('openai');
const FAILING_OVER = {
  flat: fleet.provider('openai'),
  nested: fleet.provider('openai'),
  failed: fleet.provider('openai'),
};

beforeAll(() => fleet.start(WITHOUT_BREAKERS));
afterEach(() => {
  fleet.simulator.assertNoUnscripted();
  fleet.simulator.clear();
});
afterAll(() => fleet.stop());

const REQUEST = { model: 'gpt-5', input: [{ role: 'user', content: 'list my files' }] };
const STREAM = { ...REQUEST, stream: true };
const MODES = [
  ['blocking', REQUEST],
  ['streaming', STREAM],
] as const;

const SAID = {
  text: 'Here they are.',
  thinking: 'They want their files.',
  commentary: 'I will look.',
  tools: [
    { name: 'ls', input: { path: '/' } },
    { name: 'sql', input: 'SELECT 1', isCustom: true },
  ],
  usage: { input: 40, output: 9, cacheRead: 50, cacheWrite: 10, reasoning: 4 },
} satisfies Answer;

function post(body: unknown, provider: FleetProvider = OPENAI): Promise<Response> {
  return fetch(`${fleet.bridge.url}/${provider.name}/v1/responses`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
}

async function lastSent(): Promise<Buffer> {
  const [call] = await fleet.simulator.waitForCalls(1);
  return call?.sent.bytes ?? Buffer.alloc(0);
}

describe.each(MODES)('%s', (_, request) => {
  test('relays the bytes of an answer and records all of it', async () => {
    fleet.simulator.onAnyKey(combine(answer(SAID), unknownEvents(), commentFrames()));
    const res = await post(request);
    expect(Buffer.from(await res.arrayBuffer())).toEqual(await lastSent());
    const { row, usages, prompts, tools, thoughts } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({ api: 'responses', status: 'completed', usage_source: 'provider' });
    expect(usages).toMatchObject([
      {
        input: '40',
        output: '9',
        cache_read: '50',
        cache_write: '10',
        extra: { output_reasoning: 4 },
      },
    ]);
    expect(prompts).toMatchObject([{ text: 'list my files' }]);
    expect(tools).toMatchObject([
      { tool: 'ls', input: '{"path":"/"}' },
      { tool: 'sql', input: 'SELECT 1' },
    ]);
    expect(thoughts).toMatchObject([
      { source: 'reasoning_summary', text: 'They want their files.' },
      { source: 'commentary', text: 'I will look.' },
    ]);
  });

  test('an answer that was too long is complete all the same', async () => {
    fleet.simulator.onAnyKey(answer({ finish: 'length', usage: { input: 3, output: 4 } }));
    const res = await post(request);
    const { row } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({ status: 'completed', input_tokens: '3', output_tokens: '4' });
  });

  test('an answer that says it failed is a failure, with its usage', async () => {
    fleet.simulator.onAnyKey(answer({ finish: 'failed', usage: { input: 3, output: 4 } }));
    const res = await post(request);
    expect(Buffer.from(await res.arrayBuffer())).toEqual(await lastSent());
    const { row } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({ status: 'failed', output_tokens: '4', usage_source: 'partial' });
  });
});

test('what the provider keeps is for the provider to know', async () => {
  fleet.simulator.onAnyKey(answer());
  const kept = { previous_response_id: 'resp_0', conversation: 'conv_1', store: false };
  const tools = [{ type: 'web_search' }, { type: 'future_tool', x: 1 }];
  const body = { ...REQUEST, ...kept, tools };
  await (await post(body)).text();
  expect(fleet.simulator.calls[0]?.body.toString()).toBe(JSON.stringify(body));
});

test('a background call is answered as the provider answers it', async () => {
  const queued = { id: 'resp_1', object: 'response', status: 'queued', output: [], usage: null };
  fleet.simulator.onAnyKey(rawResponse({ body: JSON.stringify(queued) }));
  const res = await post({ ...REQUEST, background: true });
  expect([res.status, await res.json()]).toEqual([200, queued]);
  const { row, prompts } = await recordOf(fleet.tables, res);
  expect(row).toMatchObject({ status: 'completed', usage_source: 'none', message_id: 'resp_1' });
  expect(prompts).toMatchObject([{ text: 'list my files' }]);
});

test('correlates a tool result with the call that asked for it', async () => {
  fleet.simulator.onAnyKey(answer());
  const output = { type: 'custom_tool_call_output', call_id: 'call_7', output: 'x' };
  const call = { type: 'custom_tool_call', call_id: 'call_7', name: 'ls', input: '' };
  const res = await post({ ...REQUEST, input: [...REQUEST.input, call, output] });
  const { row, prompts } = await recordOf(fleet.tables, res);
  expect(row['correlating_tool_call_id']).toBe('call_7');
  expect(prompts).toEqual([]);
});

test('a WebSocket is refused in a way that makes clients fall back to HTTP', async () => {
  const wire = await Wire.connect(fleet.bridge.url);
  const upgrade = ['connection: Upgrade', 'upgrade: websocket', 'sec-websocket-version: 13'];
  await wire.send(head('GET', `/${OPENAI.name}/v1/responses`, upgrade));
  const { status, headers, body } = await wire.answer();
  expect(status).toBe(426);
  expect(headers.get('x-aibridge-error')).toBe('upgrade_required');
  expect(JSON.parse(body)).toMatchObject({ error: { type: 'invalid_request_error' } });
  wire.leave();
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

  test.each(['flat', 'nested', 'failed'] as const)(
    'as the first event of a stream move on to the next key: %s',
    async (shape) => {
      const provider = FAILING_OVER[shape];
      const [first = '', second = ''] = provider.keys;
      fleet.simulator.key(first).always(errorFirst('rate_limited', { shape }));
      fleet.simulator.key(second).always(answer({ text: 'hello' }));
      const res = await post(STREAM, provider);
      expect(await res.text()).toContain('hello');
      const { attempts, row } = await recordOf(fleet.tables, res);
      expect(attempts).toMatchObject([{ outcome: 'rate_limited' }, { outcome: 'served' }]);
      expect(row).toMatchObject({ status: 'completed', failed_over: true });
    },
  );

  test.each(['flat', 'nested', 'failed'] as const)(
    'in the middle of a stream are relayed and recorded: %s',
    async (shape) => {
      fleet.simulator.onAnyKey(errorMidStream('overloaded', { shape }));
      const res = await post(STREAM);
      expect(await res.text()).toBe((await lastSent()).toString());
      const { row } = await recordOf(fleet.tables, res);
      expect(row).toMatchObject({ status: 'failed', error_type: 'overloaded' });
    },
  );

  test.each([
    ['ends without its last event', missingTerminal()],
    ['ends in the middle', cut({ clean: true })],
    ['is cut off', cut({ clean: false })],
  ])('end a stream that %s, for the caller and for the record', async (_, broken) => {
    fleet.simulator.onAnyKey(broken);
    const res = await post(STREAM);
    const sent = (await fleet.simulator.waitForCall()).sent;
    const text = await res.text();
    expect(text.startsWith(sent.text)).toBe(true);
    const [, data = ''] =
      /^(?:\n\n)?event: response\.failed\ndata: (.*)\n\n$/.exec(text.slice(sent.text.length)) ?? [];
    const numbers = [...sent.text.matchAll(/"sequence_number":(\d+)/g)].map(([, digits]) => digits);
    expect(JSON.parse(data)).toMatchObject({
      type: 'response.failed',
      sequence_number: Number(numbers.at(-1)) + 1,
      response: {
        id: /"id":"(resp_[^"]+)"/.exec(sent.text)?.[1],
        object: 'response',
        status: 'failed',
        error: {
          code: 'upstream_truncated',
          message: expect.stringMatching(/^AI Bridge: The provider broke off .*\(interception /),
        },
      },
    });
    const { row } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({ status: 'failed', error_type: 'upstream_truncated' });
  });
});
