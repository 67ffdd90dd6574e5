import { describe, expect, test } from 'vitest';
import { readChatRequest } from './chat-request.ts';

const text = (value: unknown): object => ({ type: 'text', text: value });
const user = (content: unknown): object => ({ role: 'user', content });
const assistant = (fields: object): object => ({ role: 'assistant', ...fields });
const tool = (id: unknown): object => ({ role: 'tool', tool_call_id: id, content: 'x' });
const SYSTEM = { role: 'system', content: 'Be kind.' };
const DEVELOPER = { role: 'developer', content: [text('Be brief.')] };
const CALLS = assistant({ content: 'x', tool_calls: [{ id: 'c1' }] });

const read = (messages: unknown): unknown[] =>
  readChatRequest({ messages }).turn.map(({ texts, toolCallIds }) => [texts, toolCallIds]);

describe('C-5: the texts of the turn', () => {
  test.each<[string, unknown[], unknown[]]>([
    [
      'are the text of the last message',
      [user('first'), assistant({ content: 'x' }), user(' hi ')],
      [[[' hi '], []]],
    ],
    [
      'are all its text parts',
      [user([text('a'), { type: 'image_url' }, text('b')])],
      [[['a', 'b'], []]],
    ],
    ['may be an empty part', [user([text('')])], [[[''], []]]],
    ['are none in an empty text', [user('')], [[[], []]]],
    ['are none in a part without text', [user([{ type: 'image_url' }, text(7)])], [[[], []]]],
    ['are there before instructions', [user('hi'), SYSTEM, DEVELOPER], [[['hi'], []]]],
    ['and before a prefill', [user('hi'), assistant({ content: '{' })], [[['hi'], []]]],
    ['but not before a call of tools', [user('hi'), CALLS], []],
    ['nor before what a function said', [user('hi'), { role: 'function', content: 'x' }], []],
    ['are missing without messages', [], []],
    ['are missing from a message that is none', ['hi'], []],
  ])('%s', (_, messages, turn) => {
    expect(read(messages)).toEqual(turn);
  });
});

describe('C-4: the tool calls that the turn answers', () => {
  test.each<[string, unknown[], unknown[]]>([
    [
      'are all since the model called them',
      [user('hi'), CALLS, tool('c1'), tool('c2')],
      [
        [[], ['c1']],
        [[], ['c2']],
      ],
    ],
    [
      'before and between instructions',
      [CALLS, tool('c1'), SYSTEM, tool('c2'), DEVELOPER],
      [
        [[], ['c1']],
        [[], ['c2']],
      ],
    ],
    [
      'but no empty one',
      [tool(''), tool(7)],
      [
        [[], []],
        [[], []],
      ],
    ],
    ['nor a user’s', [{ role: 'user', tool_call_id: 'c1' }], [[[], []]]],
  ])('%s', (_, messages, turn) => {
    expect(read(messages)).toEqual(turn);
  });
});

describe('C-2: only `true` streams', () => {
  test.each([true, false, 'true', 1, null, undefined])('%j', (stream) => {
    expect(readChatRequest({ stream }).isStreaming).toBe(stream === true);
  });
});

test('C-3: the model is what the request names, or nothing', () => {
  expect(readChatRequest({ model: 'gpt-5' }).model).toBe('gpt-5');
  expect(readChatRequest({ model: 5, messages: 'none' })).toMatchObject({ model: '' });
});
