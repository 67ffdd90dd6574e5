import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { rawResponse, unauthorized } from '../simulator/index.ts';
import { messagesBody, startSystem, type System } from '../support/system.ts';

let system: System;

beforeAll(async () => {
  system = await startSystem();
});

afterAll(() => system.stop());
beforeEach(() => system.simulator.clear());

function ask(ownKey: string): Promise<Response> {
  return fetch(`${system.bridge.url}/anthropic/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': ownKey },
    body: messagesBody(),
  });
}

// Who runs a model of their own gives its clients a key that is just some word.
test.each(['x', 'null', 'text', 'application/json'])(
  'an answer comes down as it is although it holds the caller\'s own key "%s"',
  async (ownKey) => {
    const body = '{"id": "msg_x", "content": [{"type": "text", "text": "x"}], "stop": null}';
    const headers = { 'content-type': 'application/json', 'x-note': 'x text null' };
    system.simulator.onAnyKey(rawResponse({ headers, body }));

    const res = await ask(ownKey);

    expect(await res.text()).toBe(body);
    expect(Object.fromEntries(res.headers)).toMatchObject(headers);
  },
);

test("what a provider says of the caller's own key is recorded with its hint alone", async () => {
  const ownKey = 'sk-ant-the-key-of-a-caller-0001';
  system.simulator.onAnyKey(unauthorized({ message: `Incorrect API key provided: ${ownKey}` }));

  const res = await ask(ownKey);

  expect(await res.text()).toContain(ownKey);
  const id = res.headers.get('x-aibridge-interception-id') ?? '';
  const message = 'Incorrect API key provided: sk-a...0001';
  expect(await system.tables.ended(id)).toMatchObject({ error_message: message });
  expect(await system.tables.children('attempts', id)).toMatchObject([{ error: message }]);
});

test('an answer comes down as it is although the key of the pool is just some word', async () => {
  const own = await startSystem({ settings: { KEYS: 'null' } });
  try {
    const body = '{"id":"msg_x","content":[],"stop_sequence":null}';
    const headers = { 'content-type': 'application/json', 'x-note': 'null' };
    own.simulator.key('null').always(rawResponse({ headers, body }));
    const res = await fetch(`${own.bridge.url}/anthropic/v1/messages`, {
      method: 'POST',
      body: messagesBody(),
    });
    expect(await res.text()).toBe(body);
    expect(res.headers.get('x-note')).toBe('null');
  } finally {
    await own.stop();
  }
});

test('a redirect is relayed, not followed, and recorded as no answer', async () => {
  system.simulator.onAnyKey(
    rawResponse({ status: 307, headers: { location: 'https://elsewhere.example/' }, body: '' }),
  );
  const res = await fetch(`${system.bridge.url}/anthropic/v1/messages`, {
    method: 'POST',
    body: messagesBody(),
    redirect: 'manual',
  });
  expect(res.status).toBe(307);
  expect(res.headers.get('location')).toBe('https://elsewhere.example/');
  const id = res.headers.get('x-aibridge-interception-id') ?? '';
  expect(await system.tables.ended(id)).toMatchObject({ status: 'failed', upstream_status: 307 });
  expect(await system.tables.children('attempts', id)).toMatchObject([
    { outcome: 'relayed_error', status: 307 },
  ]);
});
