import { describe, expect, test } from 'vitest';
import { readResponsesRequest } from './responses-request.ts';

const text = (value: unknown): object => ({ type: 'input_text', text: value });
const user = (content: unknown): object => ({ role: 'user', content });

describe('R-5: the prompt', () => {
  test.each([
    ['is a text', 'hi', 'hi'],
    ['may be an empty text', '', ''],
    ['is the text of the last item', [user('first'), user(' hi ')], ' hi '],
    [
      'is all texts of the last item',
      [user([text('a'), { type: 'input_image' }, text('b')])],
      'a\nb',
    ],
    ['leaves out what is no text', [user([text(1), text('b')])], 'b'],
    ['is missing without texts', [user([{ type: 'input_image' }])], undefined],
    ['is missing without content', [user(null)], undefined],
    ['is not what an assistant said', [user('hi'), { role: 'assistant', content: 'x' }], undefined],
    ['is missing without input', undefined, undefined],
    ['is missing from an empty input', [], undefined],
    ['is missing from an input of another shape', { role: 'user', content: 'x' }, undefined],
  ])('%s', (_, input, prompt) => {
    expect(readResponsesRequest({ input }).prompt).toBe(prompt);
  });
});

describe('R-4: the tool call that is answered', () => {
  test.each([
    'function_call_output',
    'custom_tool_call_output',
    'computer_call_output',
    'shell_call_output',
    'apply_patch_call_output',
    'future_call_output',
  ])('is found in a %s', (type) => {
    const input = [user('hi'), { type, call_id: 'call_1', output: 'x' }];
    expect(readResponsesRequest({ input }).correlatingToolCallId).toBe('call_1');
  });

  test.each([
    ['one that came earlier', [{ type: 'function_call_output', call_id: 'c' }, user('hi')]],
    ['an empty one', [{ type: 'function_call_output', call_id: '' }]],
    ['the call itself', [{ type: 'function_call', call_id: 'c' }]],
  ])('is not %s', (_, input) => {
    expect(readResponsesRequest({ input }).correlatingToolCallId).toBeUndefined();
  });
});

test.each([true, false, 'yes', 1, null, undefined])('R-2: only `true` streams: %j', (stream) => {
  expect(readResponsesRequest({ stream }).isStreaming).toBe(stream === true);
});

test('R-1: a body of any other shape is no reason to refuse it', () => {
  expect(readResponsesRequest({ model: 123, stream: 'yes', input: 42 })).toEqual({
    model: '',
    isStreaming: false,
    prompt: undefined,
    correlatingToolCallId: undefined,
  });
});
