import { describe, expect, test } from 'vitest';
import { readChatRequest } from './chat-request.ts';

const text = (value: unknown): object => ({ type: 'text', text: value });
const user = (content: unknown): object => ({ role: 'user', content });

describe('C-5: the prompt', () => {
  test.each([
    ['is the text of the last message', [user('first'), user(' hi ')], ' hi '],
    ['is the last text part', [user([text('context'), text('hi'), { type: 'image_url' }])], 'hi'],
    ['may be an empty part', [user([text('')])], ''],
    ['is not an empty text', [user('')], undefined],
    ['is not a part without text', [user([{ type: 'image_url' }, text(7)])], undefined],
    ['is not what an assistant said', [user('hi'), { role: 'assistant', content: 'x' }], undefined],
    ['is not what a tool said', [user('hi'), { role: 'tool', content: 'x' }], undefined],
    ['is missing without messages', [], undefined],
    ['is missing from a message that is none', ['hi'], undefined],
  ])('%s', (_, messages, prompt) => {
    expect(readChatRequest({ messages }).prompt).toBe(prompt);
  });
});

describe('C-4: the tool call that is answered', () => {
  test.each([
    ['is that of the last message', [{ role: 'tool', tool_call_id: 'call_2' }], 'call_2'],
    ['is not one that came earlier', [{ role: 'tool', tool_call_id: 'c' }, user('hi')], undefined],
    ['is not an empty one', [{ role: 'tool', tool_call_id: '' }], undefined],
    ['is not a user’s', [{ role: 'user', tool_call_id: 'call_2' }], undefined],
  ])('%s', (_, messages, id) => {
    expect(readChatRequest({ messages }).correlatingToolCallId).toBe(id);
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
