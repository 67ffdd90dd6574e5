import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { answer, rateLimited, unauthorized } from '../simulator/index.ts';
import { Fleet } from '../support/fleet.ts';
import { recordOf } from '../support/record-of.ts';

const fleet = new Fleet();
const COPILOT = fleet.provider('copilot', { keys: 0 });
const TOKEN = 'ghu_the-token-of-one-person-0001';

beforeAll(() => fleet.start({ AIBRIDGE_SEND_ACTOR_HEADERS: 'true' }));
afterEach(() => {
  fleet.simulator.assertNoUnscripted();
  fleet.simulator.clear();
});
afterAll(() => fleet.stop());

const CLIENT = {
  authorization: `Bearer ${TOKEN}`,
  'user-agent': 'GitHubCopilotChat/0.37.2026011603',
  'editor-version': 'vscode/1.108.0',
  'copilot-integration-id': 'vscode-chat',
  'x-interaction-id': 'session-1',
};
const CHAT = { model: 'gpt-5', messages: [{ role: 'user', content: 'hi' }] };
const RESPONSES = { model: 'gpt-5', input: 'hi' };

function call(
  method: string,
  route: string,
  { body, headers = CLIENT }: { body?: object; headers?: Record<string, string> } = {},
): Promise<Response> {
  return fetch(`${fleet.bridge.url}/${COPILOT.name}${route}`, {
    method,
    headers,
    ...(body && { body: JSON.stringify(body) }),
  });
}

describe.each([
  ['/chat/completions', CHAT, 'chat_completions'],
  ['/responses', RESPONSES, 'responses'],
] as const)('%s', (route, request, api) => {
  test.each([
    ['blocking', request],
    ['streaming', { ...request, stream: true }],
  ])('is paid with the caller’s token and recorded: %s', async (_, body) => {
    fleet.simulator.key(TOKEN).always(answer({ text: 'hello', usage: { input: 3, output: 4 } }));
    const res = await call('POST', route, { body });
    await res.text();
    const { row, attempts, prompts } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({
      api,
      route,
      status: 'completed',
      provider_type: 'copilot',
      client: 'GitHub Copilot (VS Code)',
      session_id: 'session-1',
      credential_kind: 'byok',
      credential_hint: 'ghu_...0001',
      input_tokens: '3',
      output_tokens: '4',
    });
    expect(attempts).toMatchObject([{ outcome: 'served', credential_kind: 'byok' }]);
    expect(prompts).toMatchObject([{ text: 'hi' }]);
  });

  test('keeps the headers that Copilot asks for, and adds none about the caller', async () => {
    fleet.simulator.key(TOKEN).always(answer());
    await (await call('POST', `${route}?x=1`, { body: request })).text();
    const [upstream] = fleet.simulator.calls;
    expect(upstream?.path).toBe(`${route}?x=1`);
    expect(upstream?.headers).toMatchObject(CLIENT);
    expect(Object.keys(upstream?.headers ?? {})).not.toContain('x-ai-bridge-actor-id');
  });

  test.each([
    ['no credential', {}],
    ['another scheme', { authorization: 'Basic dXNlcjpwYXNz' }],
    ['a key in the wrong place', { 'x-api-key': TOKEN }],
    ['the placeholder', { authorization: 'Bearer aibridge' }],
  ])('answers 401 to %s and asks nobody', async (_, headers) => {
    const res = await call('POST', route, { body: request, headers });
    expect([res.status, res.headers.get('x-aibridge-error')]).toEqual([401, 'no_credential']);
    expect(await res.json()).toMatchObject({ error: { type: 'authentication_error' } });
    expect(fleet.simulator.calls).toEqual([]);
  });

  test.each([
    ['429', rateLimited({ retryAfter: 7 }), 'rate_limited'],
    ['401', unauthorized(), 'unauthorized'],
  ])('relays a %s as it is: the token is nobody else’s', async (status, refusal, errorType) => {
    fleet.simulator.key(TOKEN).always(refusal);
    const res = await call('POST', route, { body: request });
    expect(String(res.status)).toBe(status);
    expect(await res.text()).toBe(fleet.simulator.calls[0]?.sent.text);
    const { row, attempts } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({ status: 'failed', error_type: errorType });
    expect(attempts).toMatchObject([{ outcome: 'relayed_error' }]);
  });
});

test.each([
  ['GET', '/models'],
  ['GET', '/models/gpt-5'],
  ['POST', '/models/gpt-5/policy'],
  ['GET', '/agents/one'],
  ['POST', '/agents/one/run'],
  ['POST', '/mcp/'],
  ['DELETE', '/mcp/session'],
  ['GET', '/.well-known/openid-configuration'],
])('passes %s %s through with the caller’s token', async (method, route) => {
  fleet.simulator.key(TOKEN).always(answer());
  const res = await call(method, route, method === 'POST' ? { body: { id: 1 } } : {});
  expect(await res.text()).toBe(fleet.simulator.calls[0]?.sent.text);
  const { row } = await recordOf(fleet.tables, res);
  expect(row).toMatchObject({ api: 'passthrough', route, method, credential_kind: 'byok' });
});
