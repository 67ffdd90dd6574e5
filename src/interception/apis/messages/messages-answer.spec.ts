import { expect, test } from 'vitest';
import { readMessagesAnswer } from './messages-answer.ts';

test('finds every tool, the provider’s own too, and every thought', () => {
  const found = readMessagesAnswer({
    id: 'msg_1',
    usage: { input_tokens: 1, output_tokens: 2 },
    content: [
      { type: 'thinking', thinking: 'hm', signature: 'x' },
      { type: 'redacted_thinking', data: 'x' },
      { type: 'text', text: 'hello' },
      { type: 'tool_use', id: 't1', name: 'ls', input: { path: '/' } },
      { type: 'server_tool_use', id: 't2', name: 'web_search', input: {} },
      { type: 'mcp_tool_use', id: 't3', name: 'add' },
      { type: 'web_search_tool_result', tool_use_id: 't2' },
    ],
  });
  expect(found).toEqual({
    messageId: 'msg_1',
    usage: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0, extra: {} },
    tools: [
      { toolCallId: 't1', tool: 'ls', input: '{"path":"/"}' },
      { toolCallId: 't2', tool: 'web_search', input: '{}' },
      { toolCallId: 't3', tool: 'add', input: '{}' },
    ],
    thoughts: [{ source: 'thinking', text: 'hm' }],
    error: undefined,
  });
});

test('finds the error of an answer that is one', () => {
  const { error } = readMessagesAnswer({
    type: 'error',
    error: { type: 'overloaded_error', message: 'Overloaded' },
  });
  expect(error).toEqual({ type: 'overloaded_error', code: '', message: 'Overloaded' });
});

test.each([{}, { content: null, usage: 7 }, { content: [null, 'x', {}] }])(
  'finds nothing in %j',
  (body) => {
    expect(readMessagesAnswer(body)).toMatchObject({ usage: undefined, tools: [], thoughts: [] });
  },
);
