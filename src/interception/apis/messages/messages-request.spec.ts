import { describe, expect, test } from 'vitest';
import { readMessagesRequest } from './messages-request.ts';

const text = (value: unknown): object => ({ type: 'text', text: value });
const result = (id: unknown): object => ({ type: 'tool_result', tool_use_id: id });
const user = (content: unknown): object => ({ role: 'user', content });
const assistant = (content: unknown): object => ({ role: 'assistant', content });
const SYSTEM = { role: 'system', content: 'Available agent types' };
const CALL = { type: 'tool_use', id: 't1' };

const read = (messages: unknown): unknown[] =>
  readMessagesRequest({ messages }).turn.map(({ texts, toolCallIds }) => [texts, toolCallIds]);

describe('M-5: the texts of the turn', () => {
  test.each<[string, unknown, unknown[]]>([
    ['are the text of the last message', [user(' hi ')], [[[' hi '], []]]],
    ['may be empty', [user('')], [[[''], []]]],
    [
      'are all text blocks, in their order',
      [user([text('a'), { type: 'image' }, text('b')])],
      [[['a', 'b'], []]],
    ],
    ['are no texts that are none', [user([text(7)])], [[[], []]]],
    ['are there before system messages', [user('hi'), SYSTEM, SYSTEM], [[['hi'], []]]],
    [
      'are those of every message since the model spoke',
      [user('first'), assistant([text('x'), CALL]), user('a'), SYSTEM, user('b')],
      [
        [['a'], []],
        [['b'], []],
      ],
    ],
    ['are there before the beginning of an answer', [user('hi'), assistant('{')], [[['hi'], []]]],
    ['and in it, in parts', [user('hi'), assistant([text('{')]), SYSTEM], [[['hi'], []]]],
    ['but not before two of them', [user('hi'), assistant('a'), assistant('b')], []],
    ['nor before an answer that was paused', [user('hi'), assistant([text('x'), CALL])], []],
    ['are missing without messages', [], []],
    ['are missing from a message that is none', ['hi'], []],
    ['are missing from messages that are none', 'hi', []],
  ])('%s', (_, messages, turn) => {
    expect(read(messages)).toEqual(turn);
  });
});

test('keeps instructions with the part of the turn that they follow, in their order', () => {
  const [agents, typed] = ['Available agent types', 'The user sent a new message'];
  const more = { role: 'system', content: [text(typed)] };
  const { turn } = readMessagesRequest({
    messages: [SYSTEM, user('a'), assistant([CALL]), user([result('t1')]), SYSTEM, more, user('b')],
  });
  expect(turn).toEqual([
    { texts: [], toolCallIds: ['t1'], asides: [agents, typed] },
    { texts: ['b'], toolCallIds: [] },
  ]);
});

describe('M-4: the tool calls that the turn answers', () => {
  test.each<[string, unknown, unknown[]]>([
    ['are all of its message', [user([result('t1'), result('t2')])], [[[], ['t1', 't2']]]],
    ['beside what is said', [user([result('t1'), text('x')])], [[['x'], ['t1']]]],
    ['before a system message', [user([result('t1')]), SYSTEM], [[[], ['t1']]]],
    ['but no empty ones', [user([result('t1'), result(''), result(7)])], [[[], ['t1']]]],
    ['nor earlier ones', [user([result('t1')]), assistant('x'), user('hi')], [[['hi'], []]]],
  ])('%s', (_, messages, turn) => {
    expect(read(messages)).toEqual(turn);
  });
});

test.each([true, false, 'true', 1, null, undefined])('only `true` streams: %j', (stream) => {
  expect(readMessagesRequest({ stream }).isStreaming).toBe(stream === true);
});

test('a body of any other shape is no reason to refuse it', () => {
  expect(readMessagesRequest({ model: 5, messages: 'none' })).toEqual({
    model: '',
    isStreaming: false,
    turn: [],
  });
});
