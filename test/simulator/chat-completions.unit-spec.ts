import OpenAI from 'openai';
import type { ChatCompletionChunk } from 'openai/resources/chat/completions';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { collected } from './collected.ts';
import { answer, startSimulator, type Simulator } from './index.ts';

const HELLO = {
  model: 'gpt-5',
  messages: [{ role: 'user', content: 'hello' }],
} satisfies OpenAI.ChatCompletionCreateParamsNonStreaming;

const RICH = answer({
  text: 'Let me look that up.',
  tools: [
    { name: 'search', input: { query: 'hello' }, id: 'call_1' },
    { name: 'clock', input: {}, id: 'call_2' },
    { name: 'patch', input: 'free text', id: 'call_3', isCustom: true },
  ],
  usage: {
    input: 10,
    output: 61,
    cacheRead: 7,
    reasoning: 5,
    inputAudio: 2,
    rejectedPrediction: 1,
  },
});

const RICH_USAGE = {
  prompt_tokens: 17,
  completion_tokens: 61,
  total_tokens: 78,
  prompt_tokens_details: { cached_tokens: 7, audio_tokens: 2 },
  completion_tokens_details: { reasoning_tokens: 5, rejected_prediction_tokens: 1 },
};

describe('simulated OpenAI chat completions', () => {
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

  const chunksOf = async (
    body: Partial<OpenAI.ChatCompletionCreateParamsStreaming>,
  ): Promise<ChatCompletionChunk[]> =>
    collected(await client.chat.completions.create({ ...HELLO, ...body, stream: true }));

  it('answers with text, parallel tool calls and the details of usage', async () => {
    sim.key('sk-good').always(RICH);
    const completion = await client.chat.completions.create(HELLO);
    expect(completion).toMatchObject({
      object: 'chat.completion',
      choices: [{ finish_reason: 'tool_calls', message: { content: 'Let me look that up.' } }],
      usage: RICH_USAGE,
    });
    expect(completion.choices[0]?.message.tool_calls).toEqual([
      {
        id: 'call_1',
        type: 'function',
        function: { name: 'search', arguments: '{"query":"hello"}' },
      },
      { id: 'call_2', type: 'function', function: { name: 'clock', arguments: '{}' } },
      { id: 'call_3', type: 'custom', custom: { name: 'patch', input: 'free text' } },
    ]);
  });

  it('streams function calls that the SDK puts together again', async () => {
    sim.key('sk-good').always(
      answer({
        text: 'One moment.',
        tools: [{ name: 'search', input: { query: 'x' }, id: 'call_1' }],
      }),
    );
    const completion = await client.chat.completions.stream(HELLO).finalChatCompletion();
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: 'One moment.',
        tool_calls: [{ id: 'call_1', function: { name: 'search', arguments: '{"query":"x"}' } }],
      },
    });
  });

  it('streams usage to those who ask for it, and to nobody else', async () => {
    sim.key('sk-good').always(RICH);
    const asked = await chunksOf({ stream_options: { include_usage: true } });
    const silent = await chunksOf({});
    expect(asked.at(-1)).toMatchObject({ choices: [], usage: RICH_USAGE });
    expect(asked.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
    expect(silent.some((chunk) => 'usage' in chunk)).toBe(false);
    expect(sim.calls.every((call) => call.sent.text.endsWith('data: [DONE]\n\n'))).toBe(true);
  });

  it.each([
    ['length', 'length'],
    ['stop', 'stop'],
  ] as const)('says why it stopped: %s', async (finish, reason) => {
    sim.key('sk-good').always(answer({ text: 'hi', finish }));
    const chunks = await chunksOf({});
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe(reason);
  });

  it('gives as many choices as were asked for', async () => {
    sim.key('sk-good').always(answer());
    const completion = await client.chat.completions.create({ ...HELLO, n: 3 });
    expect(completion.choices.map((choice) => choice.index)).toEqual([0, 1, 2]);
  });

  it('shows thinking in the field that compatible vendors use', async () => {
    sim.key('sk-good').always(answer({ thinking: 'hm', text: 'hi' }));
    const chunks = await chunksOf({});
    expect(chunks.map((chunk) => chunk.choices[0]?.delta)).toContainEqual({
      reasoning_content: 'h',
    });
  });

  it('serves the path without /v1 that Copilot clients use', async () => {
    sim.key('sk-good').always(answer());
    const copilot = new OpenAI({ apiKey: 'sk-good', baseURL: sim.url });
    await expect(copilot.chat.completions.create(HELLO)).resolves.toMatchObject({ model: 'gpt-5' });
  });
});
