import Anthropic from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
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
const PROVIDER = fleet.provider('anthropic', { keys: 1 });

beforeAll(() => fleet.start(WITHOUT_BREAKERS));
afterEach(() => {
  fleet.simulator.assertNoUnscripted();
  fleet.simulator.clear();
});
afterAll(() => fleet.stop());

const SAID = combine(
  answer({
    text: 'Hello, Ada.',
    thinking: 'Greet.',
    tools: [
      { name: 'weather', input: { city: 'Paris' } },
      { name: 'weather', input: { city: 'Rome' } },
    ],
    usage: { input: 10, output: 20, cacheRead: 5, cacheWrite: 3 },
  }),
  splitEvery(100),
);

const ASK = {
  model: 'claude-opus-4-5',
  max_tokens: 64,
  messages: [{ role: 'user', content: 'hello' }],
} satisfies Anthropic.MessageCreateParamsNonStreaming;

/** Answers with a call of a tool until its result is there. */
function toolTurns({ json }: Call): Behaviour {
  const hasResult = JSON.stringify(json).includes('sunny');
  return answer(hasResult ? { text: 'Sunny.' } : { tools: [{ name: 'weather', input: {} }] });
}

const WEATHER = betaTool({
  name: 'weather',
  description: '',
  inputSchema: { type: 'object', properties: {} },
  run: () => 'sunny',
});

/** So that nothing of one operation is left when the next one begins. */
const ONE_CALL_A_CONNECTION = { connection: 'close' };

interface Operation {
  readonly name: string;
  readonly run: (client: Anthropic) => Promise<unknown>;
  readonly said?: Behaviour | ((call: Call) => Behaviour);
}

const CREATE: Operation = {
  name: 'messages.create',
  run: (client) => client.messages.create(ASK),
};
const CREATE_STREAM: Operation = {
  name: 'messages.create, streaming',
  run: async (client) => collected(await client.messages.create({ ...ASK, stream: true })),
};

const OPERATIONS: readonly Operation[] = [
  CREATE,
  CREATE_STREAM,
  { name: 'messages.stream', run: (client) => client.messages.stream(ASK).finalMessage() },
  { name: 'messages.countTokens', run: (client) => client.messages.countTokens(ASK) },
  {
    name: 'beta.messages.create',
    run: (client) => client.beta.messages.create({ ...ASK, betas: ['output-128k-2025-02-19'] }),
  },
  {
    name: 'beta.messages.create, streaming',
    run: async (client) => collected(await client.beta.messages.create({ ...ASK, stream: true })),
  },
  {
    name: 'beta.messages.stream',
    run: (client) => client.beta.messages.stream(ASK).finalMessage(),
  },
  { name: 'beta.messages.countTokens', run: (client) => client.beta.messages.countTokens(ASK) },
  ...[false, true].map((stream): Operation => ({
    name: stream ? 'beta.messages.toolRunner, streaming' : 'beta.messages.toolRunner',
    run: (client) =>
      client.beta.messages.toolRunner({ ...ASK, stream, tools: [WEATHER] }).runUntilDone(),
    said: toolTurns,
  })),
  { name: 'models.list', run: async (client) => collected(await client.models.list({ limit: 2 })) },
  { name: 'models.retrieve', run: (client) => client.models.retrieve('claude-opus-4-5') },
  { name: 'beta.models.list', run: async (client) => collected(await client.beta.models.list()) },
  { name: 'beta.models.retrieve', run: (client) => client.beta.models.retrieve('claude-opus-4-5') },
];

/** What an operation comes to against the provider itself and through the bridge. */
async function both(
  { run, said = SAID }: Operation,
  options: { maxRetries?: number } = {},
): Promise<{ direct: unknown; bridged: unknown }> {
  const outcomes = [];
  for (const baseURL of [fleet.simulator.url, `${fleet.bridge.url}/${PROVIDER.name}`]) {
    fleet.simulator.anyKey.reset();
    fleet.simulator.onAnyKey(said);
    const apiKey = baseURL === fleet.simulator.url ? (PROVIDER.keys[0] ?? '') : 'aibridge';
    const client = new Anthropic({
      apiKey,
      authToken: null,
      baseURL,
      maxRetries: 0,
      defaultHeaders: ONE_CALL_A_CONNECTION,
      ...options,
    });
    outcomes.push(await outcomeOf(() => run(client)));
  }
  const [direct, bridged] = outcomes;
  return { direct, bridged };
}

describe('all operations come to the same with the bridge in between', () => {
  test.each(OPERATIONS)('$name', async (operation) => {
    const { direct, bridged } = await both(operation);
    expect(bridged).toEqual(direct);
  });
});

describe('what goes wrong goes wrong in the same way', () => {
  test('a refused request', async () => {
    const { direct, bridged } = await both({ ...CREATE, said: badRequest() });
    expect(direct).toMatchObject({ error: { name: 'BadRequestError', status: 400 } });
    // The vendor numbers its errors, so no two are quite the same.
    const numbered = /req_\d+/g;
    expect(JSON.stringify(bridged).replaceAll(numbered, '')).toBe(
      JSON.stringify(direct).replaceAll(numbered, ''),
    );
  });

  test('an error in a stream', async () => {
    const { direct, bridged } = await both({
      ...CREATE_STREAM,
      said: errorMidStream('overloaded'),
    });
    expect(bridged).toEqual(direct);
    expect(direct).toHaveProperty('error.type', 'overloaded_error');
  });

  test('a stream that ends too early is an error', async () => {
    const { bridged } = await both({ ...CREATE_STREAM, said: cut({ clean: true }) });
    expect(bridged).toMatchObject({ error: { type: 'api_error' } });
  });
});

test.each([CREATE, CREATE_STREAM])('$name: the client’s own retries succeed', async (operation) => {
  const failing = serverError(500, { headers: { 'retry-after-ms': '1' } });
  let calls = 0;
  const said = (): Behaviour => (calls++ % 3 < 2 ? failing : SAID);
  const { direct, bridged } = await both({ ...operation, said }, { maxRetries: 2 });
  expect(calls).toBe(6);
  expect(bridged).toEqual(direct);
  expect(direct).toHaveProperty('value');
});

test('who aborts a stream ends it at the provider, too', async () => {
  fleet.simulator.onAnyKey(stall());
  const baseURL = `${fleet.bridge.url}/${PROVIDER.name}`;
  const client = new Anthropic({
    apiKey: 'aibridge',
    baseURL,
    maxRetries: 0,
    defaultHeaders: ONE_CALL_A_CONNECTION,
  });
  const stream = await client.messages.create({ ...ASK, stream: true });
  for await (const event of stream) if (event.type === 'message_start') stream.controller.abort();
  const call = await fleet.simulator.waitForCall();
  expect((await call.ended).outcome).toBe('client_closed');
});
