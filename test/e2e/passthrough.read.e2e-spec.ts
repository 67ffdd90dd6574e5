import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { rawResponse } from '../simulator/index.ts';
import { Fleet, type FleetProvider } from '../support/fleet.ts';
import { recordOf, type WholeRecord } from '../support/record-of.ts';

const fleet = new Fleet();
const ANTHROPIC = fleet.provider('anthropic');
const OPENAI = fleet.provider('openai');

beforeAll(() => fleet.start());
afterEach(() => fleet.simulator.clear());
afterAll(() => fleet.stop());

const USAGE = { input_tokens: 40, output_tokens: 9, input_tokens_details: { cached_tokens: 30 } };
const CALL = { type: 'function_call', call_id: 'c1', name: 'ls', arguments: '{}' };
const RESPONSE = {
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  model: 'gpt-5-2025-08-07',
  output: [CALL],
  usage: USAGE,
};
const ASKED = { model: 'gpt-5', input: [{ role: 'user', content: 'list my files' }] };
const READ = { api: 'passthrough', status: 'completed', upstream_status: 200 };
const NOT_COUNTED = {
  input_tokens: '0',
  output_tokens: '0',
  usage_source: 'none',
  notes: [expect.stringMatching(/used 10 input, 9 output, 30 cache read.*not counted here$/)],
};

interface Asked {
  readonly provider?: FleetProvider;
  readonly method?: string;
  readonly body?: unknown;
  readonly said?: unknown;
  readonly type?: string;
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

/** What is recorded of a call that is relayed as it is, both ways. */
async function ask(route: string, asked: Asked): Promise<WholeRecord> {
  const { provider = OPENAI, method = 'POST', body, said = RESPONSE } = asked;
  const answer = textOf(said);
  const headers = { 'content-type': asked.type ?? 'application/json' };
  fleet.simulator.onAnyKey(rawResponse({ body: answer, headers }));
  const init = body === undefined ? { method } : { method, body: textOf(body) };
  const res = await fetch(`${fleet.bridge.url}/${provider.name}${route}`, init);
  expect([res.status, await res.text()]).toEqual([200, answer]);
  expect(fleet.simulator.calls[0]?.body.toString()).toBe(init.body ?? '');
  return recordOf(fleet.tables, res);
}

describe('a call of a model', () => {
  test('that compacts is read, and its conversation is no new prompt', async () => {
    const { row, usages, prompts } = await ask('/v1/responses/compact', { body: ASKED });
    expect(row).toMatchObject({
      ...READ,
      purpose: 'compact',
      model: 'gpt-5',
      served_model: 'gpt-5-2025-08-07',
      input_tokens: '10',
      output_tokens: '9',
      cache_read_tokens: '30',
      usage_source: 'provider',
      notes: [],
    });
    expect(usages).toMatchObject([{ message_id: 'resp_1', input: '10' }]);
    expect(prompts).toEqual([]);
  });

  test('in a conversation is read like one outside of it', async () => {
    const { row, prompts, tools } = await ask('/v1/conversations/conv_1/responses', {
      body: ASKED,
    });
    expect(row).toMatchObject({
      ...READ,
      model: 'gpt-5',
      output_tokens: '9',
      message_id: 'resp_1',
    });
    expect(prompts).toMatchObject([{ text: 'list my files' }]);
    expect(tools).toMatchObject([{ tool: 'ls' }]);
  });

  test('whose tokens are counted beforehand tells its model', async () => {
    const said = { input_tokens: 3 };
    const messages = { model: 'claude-opus-4-5', messages: [{ role: 'user', content: 'hi' }] };
    const { row, prompts } = await ask('/v1/messages/count_tokens', {
      provider: ANTHROPIC,
      body: messages,
      said,
    });
    expect(row).toMatchObject({
      ...READ,
      purpose: 'count_tokens',
      model: 'claude-opus-4-5',
      served_model: null,
      usage_source: 'none',
    });
    expect(prompts).toEqual([]);
  });

  test('that holds many is a note, with the model that they share', async () => {
    const one = { custom_id: 'a', params: { model: 'claude-opus-4-5', messages: [] } };
    const { row } = await ask('/v1/messages/batches', {
      provider: ANTHROPIC,
      body: { requests: [one, one, one] },
      said: { id: 'msgbatch_1' },
    });
    expect(row).toMatchObject({
      ...READ,
      model: 'claude-opus-4-5',
      notes: ['a batch of 3 requests'],
    });
  });
});

describe('a response that is fetched', () => {
  test('as often as one likes is never counted', async () => {
    for (let count = 0; count < 2; count += 1) {
      const { row, usages, tools } = await ask('/v1/responses/resp_1', { method: 'GET' });
      expect(row).toMatchObject({ ...READ, ...NOT_COUNTED, served_model: 'gpt-5-2025-08-07' });
      expect([usages, tools]).toEqual([[], []]);
      fleet.simulator.clear();
    }
  });

  test('as a stream is read, too', async () => {
    const last = { type: 'response.completed', response: RESPONSE };
    const { row } = await ask('/v1/responses/resp_1?stream=true', {
      method: 'GET',
      type: 'text/event-stream',
      said: `event: response.completed\ndata: ${JSON.stringify(last)}\n\n`,
    });
    expect(row).toMatchObject({ ...READ, ...NOT_COUNTED, served_model: 'gpt-5-2025-08-07' });
  });

  test('and says that it failed was fetched all the same', async () => {
    const said = { ...RESPONSE, status: 'failed', error: { code: 'server_error', message: 'x' } };
    const { row } = await ask('/v1/responses/resp_1', { method: 'GET', said });
    expect(row).toMatchObject({ ...READ, error_type: null });
  });
});

describe('what cannot be read is relayed, and noted', () => {
  test('in a request', async () => {
    const { row } = await ask('/v1/responses/compact', { body: 'no JSON' });
    expect(row).toMatchObject({ ...READ, model: '', notes: ['the request is not a JSON object'] });
  });

  test('in an answer', async () => {
    const { row } = await ask('/v1/responses/compact', { body: ASKED, said: 'no JSON' });
    expect(row).toMatchObject({ ...READ, model: 'gpt-5', usage_source: 'none' });
    expect(row['notes']).toEqual(['the answer is not a JSON object']);
  });
});
