import Anthropic, { RateLimitError } from '@anthropic-ai/sdk';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { answer, rateLimited, startSimulator, type Simulator } from './index.ts';

const HELLO = {
  model: 'claude-opus-4-5',
  max_tokens: 64,
  messages: [{ role: 'user', content: 'hello' }],
} satisfies Anthropic.MessageCreateParamsNonStreaming;

const RICH = answer({
  text: 'Let me look that up.',
  thinking: 'The user greets me.',
  redactedThinking: 'b64',
  tools: [
    { name: 'search', input: { query: 'hello' }, id: 'first' },
    { name: 'clock', input: {}, id: 'second' },
  ],
  usage: { input: 10, output: 61, cacheRead: 7, cacheWrite: 3, reasoning: 5, webSearches: 2 },
});

describe('simulated Anthropic Messages', () => {
  let sim: Simulator;
  const client = (key = 'sk-good'): Anthropic =>
    new Anthropic({ apiKey: key, baseURL: sim.url, maxRetries: 0 });

  beforeAll(async () => {
    sim = await startSimulator();
  });
  afterEach(() => {
    sim.clear();
  });
  afterAll(async () => {
    await sim.close();
  });

  it('answers with the words of the request when the script names none', async () => {
    sim.key('sk-good').always(answer());
    const message = await client().messages.create(HELLO);
    expect(message.content).toEqual([{ type: 'text', text: 'You said: hello', citations: null }]);
    expect(message.stop_reason).toBe('end_turn');
  });

  it('gives equal requests equal bytes', async () => {
    sim.key('sk-good').always(RICH);
    await client().messages.create(HELLO);
    await client().messages.create(HELLO);
    expect(sim.calls[0]?.sent.text).toBe(sim.calls[1]?.sent.text);
  });

  it('streams what it would have answered in one piece', async () => {
    sim.key('sk-good').always(RICH);
    const streamed = await client().messages.stream(HELLO).finalMessage();
    const whole = await client().messages.create(HELLO);
    expect({ ...streamed, id: whole.id }).toMatchObject({
      content: whole.content,
      stop_reason: 'tool_use',
      model: HELLO.model,
    });
    expect(streamed.usage).toMatchObject({
      input_tokens: 10,
      output_tokens: 61,
      cache_read_input_tokens: 7,
      cache_creation_input_tokens: 3,
      server_tool_use: { web_search_requests: 2 },
    });
  });

  it('writes down the call as it was', async () => {
    sim.key('sk-good').always(answer({ text: 'hi' }));
    await client().messages.create(HELLO);
    const call = await sim.waitForCall().then(async (found) => found.ended);
    expect(call).toMatchObject({
      method: 'POST',
      path: '/v1/messages',
      key: 'sk-good',
      credentialHeader: 'authorization',
      model: HELLO.model,
      behaviour: 'answer',
      outcome: 'completed',
    });
    expect(JSON.parse(call.body.toString())).toEqual(HELLO);
    expect(JSON.parse(call.sent.text)).toMatchObject({ content: [{ text: 'hi' }] });
    expect(call.endedAtMs).toBeGreaterThanOrEqual(call.receivedAtMs);
  });

  it('follows the order of calls, then what is always so', async () => {
    sim
      .key('sk-good')
      .inOrder(rateLimited({ retryAfter: 5 }))
      .always(answer({ text: 'ok' }));
    await expect(client().messages.create(HELLO)).rejects.toSatisfy(
      (error) => error instanceof RateLimitError && error.headers.get('retry-after') === '5',
    );
    await expect(client().messages.create(HELLO)).resolves.toMatchObject({
      content: [{ text: 'ok' }],
    });
  });

  it('fails the test that uses a key nobody scripted', async () => {
    await expect(client('sk-a-key-of-some-length').messages.create(HELLO)).rejects.toMatchObject({
      status: 599,
    });
    expect(() => sim.assertNoUnscripted()).toThrow(/POST \/v1\/messages with key sk-a\.\.\.ngth/);
  });
});
