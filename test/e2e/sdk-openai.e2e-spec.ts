import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  answer,
  badRequest,
  combine,
  cut,
  errorMidStream,
  serverError,
  splitEvery,
  stall,
  type Behaviour,
  type Call,
} from '../simulator/index.ts';
import { collected } from '../simulator/collected.ts';
import { Fleet } from '../support/fleet.ts';
import { outcomeOf } from '../support/outcome-of.ts';
import { WITHOUT_BREAKERS } from '../support/system.ts';

const fleet = new Fleet();
const PROVIDER = fleet.provider('openai', { keys: 1 });

beforeAll(() => fleet.start(WITHOUT_BREAKERS));
afterEach(() => {
  fleet.simulator.assertNoUnscripted();
  fleet.simulator.clear();
});
afterAll(() => fleet.stop());

/** Nothing in it depends on the request, of which the bridge changes a little to ask for usage. */
const SAID = combine(
  answer({
    messageId: 'id-1',
    text: 'Hello, Ada.',
    thinking: 'Greet.',
    tools: [
      { id: 'call_1', name: 'weather', input: { city: 'Paris' } },
      { id: 'call_2', name: 'weather', input: { city: 'Rome' } },
    ],
    usage: { input: 10, output: 20, cacheRead: 5, reasoning: 3 },
  }),
  splitEvery(100),
);

const CHAT = {
  model: 'gpt-5',
  messages: [{ role: 'user', content: 'hello' }],
} satisfies OpenAI.ChatCompletionCreateParamsNonStreaming;
const CHAT_STREAM = {
  ...CHAT,
  stream: true,
  stream_options: { include_usage: true },
} satisfies OpenAI.ChatCompletionCreateParamsStreaming;
const ASK = { model: 'gpt-5', input: 'hello' };
const FORMAT = {
  type: 'json_schema',
  name: 'greeting',
  strict: true,
  schema: { type: 'object', properties: {}, required: [], additionalProperties: false },
} as const;

/** Answers with a call of a tool until its result is there. */
function toolTurns({ json }: Call): Behaviour {
  const tools = [{ id: 'call_1', name: 'weather', input: { city: 'Paris' } }];
  const hasResult = JSON.stringify(json).includes('sunny');
  const usage = { input: 1, output: 2 };
  return answer(
    hasResult ? { messageId: 'id-2', text: 'Sunny.', usage } : { messageId: 'id-1', tools, usage },
  );
}

const WEATHER = {
  type: 'function',
  function: {
    name: 'weather',
    description: '',
    parameters: { type: 'object', properties: {} },
    parse: (text: string): unknown => JSON.parse(text),
    function: () => 'sunny',
  },
} as const;

/** So that nothing of one operation is left when the next one begins. */
const ONE_CALL_A_CONNECTION = { connection: 'close' };

interface Operation {
  readonly name: string;
  readonly run: (client: OpenAI) => Promise<unknown>;
  readonly said?: Behaviour | ((call: Call) => Behaviour);
}

const CHAT_OPERATIONS: readonly Operation[] = [
  { name: 'create', run: (client) => client.chat.completions.create(CHAT) },
  { name: 'create with n', run: (client) => client.chat.completions.create({ ...CHAT, n: 2 }) },
  {
    name: 'create, streaming with usage',
    run: async (client) => collected(await client.chat.completions.create(CHAT_STREAM)),
  },
  {
    name: 'create, streaming',
    run: async (client) => {
      const stream = await client.chat.completions.create({ ...CHAT, stream: true });
      // Asked for usage by the bridge, the provider says in every chunk that it is not there yet.
      return (await collected(stream)).map((chunk) => ({ ...chunk, usage: chunk.usage ?? null }));
    },
  },
  {
    name: 'stream',
    run: (client) => client.chat.completions.stream(CHAT_STREAM).finalChatCompletion(),
  },
  {
    name: 'parse',
    run: (client) =>
      client.chat.completions.parse({
        ...CHAT,
        response_format: { type: 'json_schema', json_schema: FORMAT },
      }),
    said: answer({ messageId: 'id-1', text: '{}', usage: { input: 1, output: 1 } }),
  },
  {
    name: 'runTools',
    run: async (client) => {
      const runner = client.chat.completions.runTools({ ...CHAT, tools: [WEATHER] });
      await runner.done();
      return runner.messages;
    },
    said: toolTurns,
  },
  {
    name: 'runTools, streaming',
    run: async (client) => {
      const runner = client.chat.completions.runTools({ ...CHAT, stream: true, tools: [WEATHER] });
      await runner.done();
      return runner.messages;
    },
    said: toolTurns,
  },
];

const RESPONSES_OPERATIONS: readonly Operation[] = [
  { name: 'create', run: (client) => client.responses.create(ASK) },
  {
    name: 'create, streaming',
    run: async (client) => collected(await client.responses.create({ ...ASK, stream: true })),
  },
  { name: 'stream', run: (client) => client.responses.stream(ASK).finalResponse() },
  {
    name: 'parse',
    run: (client) => client.responses.parse({ ...ASK, text: { format: FORMAT } }),
    said: answer({ messageId: 'id-1', text: '{}', usage: { input: 1, output: 1 } }),
  },
  {
    name: 'create, in the background',
    run: (client) => client.responses.create({ ...ASK, background: true }),
  },
  { name: 'retrieve', run: (client) => client.responses.retrieve('resp_1') },
  {
    name: 'retrieve, streaming',
    run: async (client) =>
      collected(await client.responses.retrieve('resp_1', { stream: true, starting_after: 2 })),
  },
  { name: 'delete', run: (client) => client.responses.delete('resp_1') },
  { name: 'cancel', run: (client) => client.responses.cancel('resp_1') },
  { name: 'compact', run: (client) => client.responses.compact(ASK) },
  {
    name: 'inputItems.list',
    run: async (client) => collected(await client.responses.inputItems.list('resp_1')),
  },
  { name: 'inputTokens.count', run: (client) => client.responses.inputTokens.count(ASK) },
];

const OTHER_OPERATIONS: readonly Operation[] = [
  { name: 'models.list', run: async (client) => collected(await client.models.list()) },
  { name: 'models.retrieve', run: (client) => client.models.retrieve('gpt-5') },
  {
    name: 'conversations.create',
    run: (client) => client.conversations.create({ metadata: { a: 'b' } }),
  },
  { name: 'conversations.retrieve', run: (client) => client.conversations.retrieve('conv_1') },
  {
    name: 'conversations.update',
    run: (client) => client.conversations.update('conv_1', { metadata: { a: 'b' } }),
  },
  { name: 'conversations.delete', run: (client) => client.conversations.delete('conv_1') },
  {
    name: 'conversations.items.create',
    run: (client) =>
      client.conversations.items.create('conv_1', { items: [{ role: 'user', content: 'hi' }] }),
  },
  {
    name: 'conversations.items.retrieve',
    run: (client) => client.conversations.items.retrieve('item_1', { conversation_id: 'conv_1' }),
  },
  {
    name: 'conversations.items.delete',
    run: (client) => client.conversations.items.delete('item_1', { conversation_id: 'conv_1' }),
  },
];

/** What an operation comes to against the provider itself and through the bridge. */
async function both(
  { run, said = SAID }: Operation,
  options: { maxRetries?: number } = {},
): Promise<{ direct: unknown; bridged: unknown }> {
  const outcomes = [];
  for (const origin of [fleet.simulator.url, `${fleet.bridge.url}/${PROVIDER.name}`]) {
    const isDirect = origin === fleet.simulator.url;
    fleet.simulator.anyKey.reset();
    fleet.simulator.onAnyKey(said);
    const client = new OpenAI({
      apiKey: isDirect ? PROVIDER.keys[0] : 'aibridge',
      baseURL: `${origin}/v1`,
      maxRetries: 0,
      defaultHeaders: ONE_CALL_A_CONNECTION,
      ...options,
    });
    outcomes.push(await outcomeOf(() => run(client)));
  }
  const [direct, bridged] = outcomes;
  return { direct, bridged };
}

describe.each([
  ['chat.completions', CHAT_OPERATIONS],
  ['responses', RESPONSES_OPERATIONS],
  ['the rest', OTHER_OPERATIONS],
])('%s come to the same with the bridge in between', (_, operations) => {
  test.each(operations)('$name', async (operation) => {
    const { direct, bridged } = await both(operation);
    expect(bridged).toEqual(direct);
  });
});

const [CREATE_CHAT, , STREAM_CHAT] = CHAT_OPERATIONS;
const [CREATE_RESPONSE, STREAM_RESPONSE] = RESPONSES_OPERATIONS;
function found(operation: Operation | undefined): Operation {
  if (operation === undefined) throw new Error('there is no such operation');
  return operation;
}

const BLOCKING = [CREATE_CHAT, CREATE_RESPONSE].filter((operation) => operation !== undefined);
const STREAMING = [STREAM_CHAT, STREAM_RESPONSE].filter((operation) => operation !== undefined);

describe('what goes wrong goes wrong in the same way', () => {
  test.each(BLOCKING)('$name: a refused request', async (operation) => {
    const { direct, bridged } = await both({ ...operation, said: badRequest() });
    expect(bridged).toEqual(direct);
    expect(direct).toMatchObject({ error: { name: 'BadRequestError', status: 400 } });
  });

  test.each(STREAMING)('$name: an error in a stream', async (operation) => {
    const { direct, bridged } = await both({ ...operation, said: errorMidStream('overloaded') });
    expect(bridged).toEqual(direct);
    expect(direct).toMatchObject({ error: { name: 'APIError' } });
  });

  const CUT = cut({ clean: true });

  test('chat.completions: a stream that ends too early is an error', async () => {
    const { bridged } = await both({ ...found(STREAM_CHAT), said: CUT });
    expect(bridged).toMatchObject({ error: { name: 'APIError', code: 'upstream_truncated' } });
  });

  test('responses: a stream that ends too early ends as a failed response', async () => {
    const { bridged } = await both({ ...found(STREAM_RESPONSE), said: CUT });
    const failed = { status: 'failed', error: { code: 'upstream_truncated' } };
    const events = Object(bridged).value;
    expect(events.at(-1)).toMatchObject({ type: 'response.failed', response: failed });
    const stream = RESPONSES_OPERATIONS.find(({ name }) => name === 'stream');
    const { bridged: helped } = await both({ ...found(stream), said: CUT });
    expect(helped).toMatchObject({ value: failed });
  });
});

test.each([...BLOCKING, ...STREAMING])(
  '$name: the client’s own retries succeed',
  async (operation) => {
    const failing = serverError(500, { headers: { 'retry-after-ms': '1' } });
    let calls = 0;
    const said = (): Behaviour => (calls++ % 3 < 2 ? failing : SAID);
    const { direct, bridged } = await both({ ...operation, said }, { maxRetries: 2 });
    expect(calls).toBe(6);
    expect(bridged).toEqual(direct);
    expect(direct).toHaveProperty('value');
  },
);

test.each([
  ['chat.completions', '/v1/chat/completions'],
  ['responses', '/v1/responses'],
])('%s: who aborts a stream ends it at the provider, too', async (api, route) => {
  fleet.simulator.onAnyKey(stall());
  const baseURL = `${fleet.bridge.url}/${PROVIDER.name}/v1`;
  const client = new OpenAI({
    apiKey: 'aibridge',
    baseURL,
    maxRetries: 0,
    defaultHeaders: ONE_CALL_A_CONNECTION,
  });
  const stream: AsyncIterable<unknown> & { controller: AbortController } =
    api === 'responses'
      ? await client.responses.create({ ...ASK, stream: true })
      : await client.chat.completions.create(CHAT_STREAM);
  for await (const event of stream) if (event !== undefined) stream.controller.abort();
  const call = await fleet.simulator.waitForCall(({ path }) => path === route);
  expect((await call.ended).outcome).toBe('client_closed');
});
