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
