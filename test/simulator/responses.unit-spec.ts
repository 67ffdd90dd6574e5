import OpenAI from 'openai';
import type { ResponseStreamEvent } from 'openai/resources/responses/responses';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { collected } from './collected.ts';
import { answer, startSimulator, type Simulator } from './index.ts';

const HELLO = {
  model: 'gpt-5',
  input: 'hello',
} satisfies OpenAI.Responses.ResponseCreateParamsNonStreaming;

const RICH = answer({
  text: 'Found it.',
  thinking: 'The user greets me.',
  commentary: 'I will search.',
  tools: [
    { name: 'search', input: { query: 'hello' }, id: 'call_1' },
    { name: 'patch', input: '*** Begin', id: 'call_2', isCustom: true },
  ],
  usage: { input: 10, output: 61, cacheRead: 7, reasoning: 5 },
});

describe('simulated OpenAI responses', () => {
  let sim: Simulator;
  let client: OpenAI;

  beforeAll(async () => {
    sim = await startSimulator();
    client = new OpenAI({ apiKey: 'sk-good', baseURL: `${sim.url}/v1`, maxRetries: 0 });
  });
  afterEach(() => {
    sim.assertNoUnscripted();
    sim.clear();
  });
  afterAll(async () => {
    await sim.close();
  });

  const eventsOf = async (): Promise<ResponseStreamEvent[]> =>
    collected(await client.responses.create({ ...HELLO, stream: true }));

  it('answers with reasoning, commentary, text and tool calls in the order of the vendor', async () => {
    sim.key('sk-good').always(RICH);
    const response = await client.responses.create({ ...HELLO, instructions: 'be brief' });
    expect(response.output_text).toBe('I will search.Found it.');
    expect(response).toMatchObject({
      status: 'completed',
      instructions: 'be brief',
      output: [
        { type: 'reasoning', summary: [{ text: 'The user greets me.' }] },
        { type: 'message', phase: 'commentary' },
        { type: 'message', content: [{ type: 'output_text', text: 'Found it.' }] },
        { type: 'function_call', call_id: 'call_1', arguments: '{"query":"hello"}' },
        { type: 'custom_tool_call', call_id: 'call_2', input: '*** Begin' },
      ],
      usage: {
        input_tokens: 17,
        input_tokens_details: { cached_tokens: 7 },
        output_tokens: 61,
        output_tokens_details: { reasoning_tokens: 5 },
        total_tokens: 78,
      },
    });
  });

  it('streams events whose deltas add up to the answer', async () => {
    sim.key('sk-good').always(RICH);
    const streamed = await client.responses.stream(HELLO).finalResponse();
    const events = await eventsOf();
    const completed = events.at(-1);
    expect(completed?.type).toBe('response.completed');
    expect(streamed.output).toMatchObject(
      completed?.type === 'response.completed' ? completed.response.output : [],
    );
    const deltas = events.flatMap((event) =>
      event.type === 'response.output_text.delta' ? [event.delta] : [],
    );
    expect(deltas.join('')).toBe('I will search.Found it.');
  });

  it('numbers the events of a stream from 0 without a gap', async () => {
    sim.key('sk-good').always(RICH);
    const events = await eventsOf();
    expect(events.map((event) => event.sequence_number)).toEqual([...events.keys()]);
  });

  it.each([
    ['length', 'response.incomplete', { reason: 'max_output_tokens' }],
    ['failed', 'response.failed', null],
    ['refusal', 'response.completed', null],
  ] as const)('ends a stream that finished with %s by %s', async (finish, type, details) => {
    sim.key('sk-good').always(answer({ text: 'no', finish, usage: { input: 3, output: 4 } }));
    expect((await eventsOf()).at(-1)).toMatchObject({
      type,
      response: { incomplete_details: details, usage: { total_tokens: 7 } },
    });
  });

  it('has the resources that hang on a response', async () => {
    sim.key('sk-good').always(answer({ text: 'stored' }));
    await expect(client.responses.retrieve('resp_1')).resolves.toMatchObject({
      id: 'resp_1',
      output_text: 'stored',
    });
    await expect(client.responses.cancel('resp_1')).resolves.toMatchObject({ status: 'cancelled' });
    const items = await collected(client.responses.inputItems.list('resp_1'));
    expect(items).toMatchObject([{ type: 'message', role: 'user' }]);
    await client.responses.delete('resp_1');
    expect(sim.calls.map((call) => call.route.name)).toEqual([
      'response',
      'response_cancel',
      'response_input_items',
      'response',
    ]);
  });

  it('has conversations', async () => {
    sim.key('sk-good').always(answer());
    const made = await client.conversations.create({ metadata: { topic: 'x' } });
    expect(made).toMatchObject({ object: 'conversation', metadata: { topic: 'x' } });
    await expect(client.conversations.retrieve(made.id)).resolves.toMatchObject({ id: made.id });
    await expect(client.conversations.delete(made.id)).resolves.toMatchObject({ deleted: true });
  });
});
