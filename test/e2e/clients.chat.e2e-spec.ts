import { afterAll, beforeAll, expect, test } from 'vitest';
import { answer } from '../simulator/index.ts';
import { Fleet } from '../support/fleet.ts';
import { recordOf } from '../support/record-of.ts';
import { recorded, toolCallsIn } from './conversation-of.ts';

const fleet = new Fleet();
const OPENAI = fleet.provider('openai');

beforeAll(() => fleet.start());
afterAll(() => fleet.stop());

const INSTRUCTIONS = [
  { role: 'system', content: 'Be kind.' },
  { role: 'developer', content: 'Be brief.' },
];

function send(messages: readonly object[]): Promise<Response> {
  return fetch(`${fleet.bridge.url}/${OPENAI.name}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'gpt-5', messages }),
  });
}

test('11.1: results of several tools are linked to their call past instructions', async () => {
  const ls = { name: 'ls', input: { path: '/' } };
  fleet.simulator.onAnyKey(({ ordinal }) => answer(ordinal === 1 ? { tools: [ls, ls] } : {}));
  const messages = [{ role: 'user', content: 'list my files' }, ...INSTRUCTIONS];
  const first = await send(messages);
  const asked = await toolCallsIn(first.clone());
  expect(asked).toHaveLength(2);

  const calls = { role: 'assistant', tool_calls: asked.map((id) => ({ id })) };
  const results = asked.map((id) => ({ role: 'tool', tool_call_id: id, content: 'x' }));
  const second = await send([...messages, calls, ...results, ...INSTRUCTIONS]);
  await second.text();
  expect(await recorded(fleet, first)).toMatchObject({ user: ['list my files'] });
  expect(await recorded(fleet, second)).toMatchObject({ user: [] });
  const { row } = await recordOf(fleet.tables, second);
  expect(row['thread_parent_id']).toBe(first.headers.get('x-aibridge-interception-id'));
});
