import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { collected } from './collected.ts';
import { answer, startSimulator, type Simulator } from './index.ts';

describe('simulated side routes', () => {
  let sim: Simulator;
  const fetched = async (method: string, path: string): Promise<Response> =>
    fetch(`${sim.url}${path}`, {
      method,
      headers: { authorization: 'Bearer sk-any' },
      ...(method === 'POST' && { body: '{"events":[{},{}],"id":7}' }),
    });

  beforeAll(async () => {
    sim = await startSimulator();
    sim.onAnyKey(answer({ usage: { input: 42 } }));
  });
  afterAll(async () => {
    await sim.close();
  });

  it('lists models in the shape of the vendor that the caller speaks to', async () => {
    const anthropic = new Anthropic({ apiKey: 'sk-any', baseURL: sim.url });
    const openai = new OpenAI({ apiKey: 'sk-any', baseURL: `${sim.url}/v1` });
    const listed = await collected(anthropic.models.list());
    expect(listed[0]).toMatchObject({ type: 'model', lifecycle: 'active' });
    await expect(anthropic.models.retrieve('claude-x')).resolves.toMatchObject({ id: 'claude-x' });
    await expect(collected(openai.models.list())).resolves.toMatchObject([
      { object: 'model' },
      {},
      {},
    ]);
    await expect(openai.models.retrieve('ft:gpt/x')).resolves.toMatchObject({ id: 'ft:gpt/x' });
  });

  it('counts tokens', async () => {
    const client = new Anthropic({ apiKey: 'sk-any', baseURL: sim.url });
    const count = await client.messages.countTokens({ model: 'claude-x', messages: [] });
    expect(count).toEqual({ input_tokens: 42 });
  });

  it.each([
    ['POST', '/api/event_logging/batch', { accepted_count: 2 }],
    ['GET', '/models', { object: 'list' }],
    ['GET', '/agents/swe', { simulated: 'agents' }],
    ['POST', '/mcp/readonly', { jsonrpc: '2.0', id: 7 }],
    ['GET', '/.well-known/oauth-protected-resource', { simulated: 'well_known' }],
    ['GET', '/v1/conversations?limit=2', { object: 'list' }],
  ])('answers %s %s', async (method, path, body) => {
    const response = await fetched(method, path);
    expect(response.status).toBe(200);
    await expect(response.json()).resolves.toMatchObject(body);
  });

  it.each([
    ['GET', '/v1/messages'],
    ['POST', '/v1/completions'],
    ['POST', '/v1/files'],
  ])('has no route %s %s, says so and logs the call', async (method, path) => {
    const response = await fetched(method, path);
    expect(response.status).toBe(404);
    await expect(response.text()).resolves.toContain(`no route ${method} ${path}`);
    expect(sim.calls.at(-1)).toMatchObject({ path, route: { name: 'unknown' } });
  });
});
