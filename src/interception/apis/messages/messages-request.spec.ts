import { describe, expect, test } from 'vitest';
import { readMessagesRequest } from './messages-request.ts';

const text = (value: unknown): object => ({ type: 'text', text: value });
const result = (id: unknown): object => ({ type: 'tool_result', tool_use_id: id });
const user = (content: unknown): object => ({ role: 'user', content });

describe('the prompt', () => {
  test.each([
    ['is the text of the last message', [user('first'), user(' hi ')], ' hi '],
    ['may be empty', [user('')], ''],
    ['is the last text block', [user([text('context'), text('hi'), result('t')])], 'hi'],
    ['is not a block of another kind', [user([result('t')])], undefined],
    ['is not a text that is none', [user([text(7)])], undefined],
    ['is not what an assistant said', [user('hi'), { role: 'assistant', content: 'x' }], undefined],
    ['is missing without messages', [], undefined],
    ['is missing from a message that is none', ['hi'], undefined],
  ])('%s', (_, messages, prompt) => {
    expect(readMessagesRequest({ messages }).prompt).toBe(prompt);
  });
});

describe('the tool call that is answered', () => {
  test.each([
    ['is the last of the last message', [user([result('t1'), result('t2'), text('x')])], 't2'],
    ['is not an empty one', [user([result('t1'), result('')])], 't1'],
    ['is not one that came earlier', [user([result('t1')]), user('hi')], undefined],
  ])('%s', (_, messages, id) => {
    expect(readMessagesRequest({ messages }).correlatingToolCallId).toBe(id);
  });
});

test.each([true, false, 'true', 1, null, undefined])('only `true` streams: %j', (stream) => {
  expect(readMessagesRequest({ stream }).isStreaming).toBe(stream === true);
});

test('a body of any other shape is no reason to refuse it', () => {
  expect(readMessagesRequest({ model: 5, messages: 'none' })).toEqual({
    model: '',
    isStreaming: false,
    prompt: undefined,
    correlatingToolCallId: undefined,
  });
});
