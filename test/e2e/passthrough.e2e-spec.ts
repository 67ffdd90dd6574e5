import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  answer,
  badRequest,
  cut,
  rateLimited,
  rawResponse,
  unauthorized,
  unknownEvents,
} from '../simulator/index.ts';
import { Fleet, type FleetProvider } from '../support/fleet.ts';
import { recordOf } from '../support/record-of.ts';

const fleet = new Fleet();
const ANTHROPIC = fleet.provider('anthropic');
const OPENAI = fleet.provider('openai');
const LIMITED = fleet.provider('openai');
const REVOKED = fleet.provider('anthropic');

beforeAll(() => fleet.start());
afterEach(() => {
  fleet.simulator.assertNoUnscripted();
  fleet.simulator.clear();
});
afterAll(() => fleet.stop());

interface Options {
  readonly method?: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Record<string, string>;
}

function call(provider: FleetProvider, route: string, options: Options = {}): Promise<Response> {
  return fetch(`${fleet.bridge.url}/${provider.name}${route}`, options);
}

test.each([
  { provider: ANTHROPIC, asks: 'GET /v1/models' },
  { provider: ANTHROPIC, asks: 'GET /v1/models?limit=2&after_id=a%2Fb' },
  { provider: ANTHROPIC, asks: 'GET /v1/models/claude-opus-4-5' },
  { provider: ANTHROPIC, asks: 'POST /v1/messages/count_tokens' },
  { provider: ANTHROPIC, asks: 'POST /api/event_logging/batch' },
  { provider: OPENAI, asks: 'GET /v1/models' },
  { provider: OPENAI, asks: 'GET /v1/models/ft:gpt-5:org::id' },
  { provider: OPENAI, asks: 'POST /v1/conversations' },
  { provider: OPENAI, asks: 'GET /v1/conversations/conv_1' },
  { provider: OPENAI, asks: 'POST /v1/conversations/conv_1' },
  { provider: OPENAI, asks: 'DELETE /v1/conversations/conv_1' },
  { provider: OPENAI, asks: 'GET /v1/responses/resp_1' },
  { provider: OPENAI, asks: 'DELETE /v1/responses/resp_1' },
  { provider: OPENAI, asks: 'POST /v1/responses/resp_1/cancel' },
  { provider: OPENAI, asks: 'GET /v1/responses/resp_1/input_items?limit=1' },
])('$provider.type: $asks is relayed both ways and recorded', async ({ provider, asks }) => {
  fleet.simulator.onAnyKey(answer());
  const [method = '', route = ''] = asks.split(' ');
  const body = method === 'POST' ? '{"metadata": {"a": 1.0}}' : undefined;
  const res = await call(provider, route, { method, ...(body !== undefined && { body }) });
  const bytes = Buffer.from(await res.arrayBuffer());
  const [upstream] = fleet.simulator.calls;
  expect(upstream).toMatchObject({ method, path: route, key: provider.keys[0] });
  expect(upstream?.body.toString()).toBe(body ?? '');
  expect([res.status, bytes]).toEqual([200, upstream?.sent.bytes]);
  const { row, attempts, usages } = await recordOf(fleet.tables, res);
  expect(row).toMatchObject({
    api: 'passthrough',
    provider_type: provider.type,
    route: route.split('?')[0],
    method,
    status: 'completed',
    upstream_status: 200,
    usage_source: 'none',
  });
  expect(attempts).toMatchObject([{ outcome: 'served' }]);
  expect(usages).toEqual([]);
});

test('HEAD is allowed wherever GET is', async () => {
  fleet.simulator.onAnyKey(rawResponse({ body: '' }));
  const res = await call(OPENAI, '/v1/models', { method: 'HEAD' });
  expect([res.status, await res.text()]).toEqual([200, '']);
  expect((await recordOf(fleet.tables, res)).row).toMatchObject({ method: 'HEAD' });
});

test.each([
  { provider: ANTHROPIC, asks: 'DELETE /v1/models/claude', status: 405, allow: 'GET, HEAD' },
  { provider: ANTHROPIC, asks: 'GET /v1/messages/count_tokens', status: 405, allow: 'POST' },
  { provider: ANTHROPIC, asks: 'GET /v1/messages', status: 405, allow: 'POST' },
  { provider: ANTHROPIC, asks: 'GET /v1/messages/batches', status: 405, allow: 'POST' },
  { provider: OPENAI, asks: 'DELETE /v1/models/ft:gpt-5', status: 405, allow: 'GET, HEAD' },
  { provider: OPENAI, asks: 'PUT /v1/responses/x', status: 405, allow: 'GET, HEAD, POST, DELETE' },
  { provider: OPENAI, asks: 'GET /v1/chat/completions', status: 405, allow: 'POST' },
  { provider: OPENAI, asks: 'POST /v1/completions', status: 404, allow: null },
  { provider: OPENAI, asks: 'GET /v1/organization/admin_api_keys', status: 404, allow: null },
  { provider: OPENAI, asks: 'POST /v1/chat/completions/', status: 404, allow: null },
  { provider: OPENAI, asks: 'GET /v1/models/%2e%2e/organization', status: 404, allow: null },
  { provider: OPENAI, asks: 'GET /v1/models//x', status: 404, allow: null },
])('$provider.type: $asks is $status, and nobody is asked', async ({ provider, asks, ...told }) => {
  const [method = '', route = ''] = asks.split(' ');
  const res = await call(provider, route, { method });
  expect({ status: res.status, allow: res.headers.get('allow') }).toEqual(told);
  expect(await res.json()).toHaveProperty('error.message');
  expect(fleet.simulator.calls).toEqual([]);
});

describe('keys', () => {
  test.each([
    { provider: LIMITED, refusal: rateLimited({ retryAfter: 5 }), outcome: 'rate_limited' },
    { provider: REVOKED, refusal: unauthorized(), outcome: 'unauthorized' },
  ])('move on after one is $outcome', async ({ provider, refusal, outcome }) => {
    const [first = '', second = ''] = provider.keys;
    fleet.simulator.key(first).always(refusal);
    fleet.simulator.key(second).always(answer());
    const res = await call(provider, '/v1/models');
    expect(res.status).toBe(200);
    const { row, attempts } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({ status: 'completed', failed_over: true });
    expect(attempts).toMatchObject([{ outcome }, { outcome: 'served' }]);
  });

  test('of the pool are left alone when the caller brings one', async () => {
    fleet.simulator.key('sk-the-callers-own-key-1').always(rateLimited());
    const headers = { authorization: 'Bearer sk-the-callers-own-key-1' };
    const res = await call(OPENAI, '/v1/models', { headers });
    expect(res.status).toBe(429);
    const { row, attempts } = await recordOf(fleet.tables, res);
    expect(row).toMatchObject({ status: 'failed', credential_kind: 'byok' });
    expect(attempts).toHaveLength(1);
  });
});

test('any bytes pass, in both directions', async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  fleet.simulator.onAnyKey(rawResponse({ status: 207, headers: { 'x-vendor': 'y' }, body: bytes }));
  const headers = { 'content-type': 'application/octet-stream' };
  const body = new Uint8Array(bytes);
  const res = await call(OPENAI, '/v1/responses/resp_1', { method: 'POST', headers, body });
  expect(Buffer.from(await res.arrayBuffer())).toEqual(bytes);
  expect([res.status, res.headers.get('x-vendor')]).toEqual([207, 'y']);
  expect(fleet.simulator.calls[0]?.body).toEqual(bytes);
});

test('the stream of a stored response passes as it comes', async () => {
  fleet.simulator.onAnyKey(unknownEvents());
  const res = await call(OPENAI, '/v1/responses/resp_1?stream=true&starting_after=3');
  expect(await res.text()).toBe(fleet.simulator.calls[0]?.sent.text);
  expect(res.headers.get('content-type')).toContain('text/event-stream');
});

test('an error of the provider is relayed and recorded', async () => {
  fleet.simulator.onAnyKey(badRequest());
  const res = await call(OPENAI, '/v1/responses/resp_1');
  expect(await res.text()).toBe(fleet.simulator.calls[0]?.sent.text);
  const { row } = await recordOf(fleet.tables, res);
  expect(row).toMatchObject({ status: 'failed', error_type: 'invalid_request' });
});

test('an answer that breaks off breaks off for the caller, too', async () => {
  fleet.simulator.onAnyKey(cut({ afterEvents: 3, clean: false }));
  const res = await call(OPENAI, '/v1/responses/resp_1?stream=true');
  await expect(res.text()).rejects.toThrow('terminated');
  const { row } = await recordOf(fleet.tables, res);
  expect(row).toMatchObject({ status: 'failed', error_type: 'upstream_truncated' });
});
