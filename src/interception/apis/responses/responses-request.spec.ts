import { describe, expect, test } from 'vitest';
import { readResponsesRequest } from './responses-request.ts';

const text = (value: unknown): object => ({ type: 'input_text', text: value });
const user = (content: unknown): object => ({ type: 'message', role: 'user', content });
const output = (call_id: unknown, type = 'function_call_output'): object => ({ type, call_id });
const DEVELOPER = { role: 'developer', content: [text('You are Codex')] };
const TOOLS = { type: 'additional_tools', role: 'developer', tools: [] };
const ASSISTANT = { role: 'assistant', content: [{ type: 'output_text', text: 'x' }] };

const read = (input: unknown): unknown[] =>
  readResponsesRequest({ input }).turn.map(({ texts, toolCallIds }) => [texts, toolCallIds]);

describe('R-5: the texts of the turn', () => {
  test.each<[string, unknown, unknown[]]>([
    ['are the input where that is a text', 'hi', [[['hi'], []]]],
    ['which may be empty', '', [[[''], []]]],
    ['are the text of the last item', [ASSISTANT, user(' hi ')], [[[' hi '], []]]],
    [
      'are all its texts',
      [user([text('a'), { type: 'input_image' }, text('b')])],
      [[['a', 'b'], []]],
    ],
    ['leave out what is no text', [user([text(1), text('b')])], [[['b'], []]]],
    ['are none without texts', [user([{ type: 'input_image' }])], [[[], []]]],
    ['are none without content', [user(null)], [[[], []]]],
    ['are there before instructions', [user('hi'), DEVELOPER, TOOLS], [[['hi'], []]]],
    [
      'are those of every item since the model spoke',
      [TOOLS, DEVELOPER, user('context'), user('hi')],
      [
        [['context'], []],
        [['hi'], []],
      ],
    ],
    ['are not before what the model said', [user('hi'), ASSISTANT], []],
    ['nor before what it thought', [user('hi'), { type: 'reasoning' }], []],
    ['are missing without input', undefined, []],
    ['are missing from an empty input', [], []],
    ['are missing from an input of another shape', { role: 'user', content: 'x' }, []],
  ])('%s', (_, input, turn) => {
    expect(read(input)).toEqual(turn);
  });
});

describe('R-4: the tool calls that the turn answers', () => {
  test.each([
    'function_call_output',
    'custom_tool_call_output',
    'computer_call_output',
    'shell_call_output',
    'apply_patch_call_output',
    'future_call_output',
  ])('are found in a %s', (type) => {
    expect(read([user('hi'), { type: 'function_call' }, output('c1', type)])).toEqual([
      [[], ['c1']],
    ]);
  });

  test('are all since the model called them, whatever instructions stand between', () => {
    const input = [{ type: 'custom_tool_call' }, output('c1'), DEVELOPER, output('c2'), DEVELOPER];
    expect(read(input)).toEqual([
      [[], ['c1']],
      [[], ['c2']],
    ]);
  });

  test.each([
    ['an empty one', [output('')]],
    ['the call itself', [{ type: 'function_call', call_id: 'c' }]],
  ])('are not %s', (_, input) => {
    expect(readResponsesRequest({ input }).turn.flatMap((part) => part.toolCallIds)).toEqual([]);
  });
});

test.each([true, false, 'yes', 1, null, undefined])('R-2: only `true` streams: %j', (stream) => {
  expect(readResponsesRequest({ stream }).isStreaming).toBe(stream === true);
});

test('R-1: a body of any other shape is no reason to refuse it', () => {
  expect(readResponsesRequest({ model: 123, stream: 'yes', input: 42 })).toEqual({
    model: '',
    isStreaming: false,
    turn: [],
  });
});
