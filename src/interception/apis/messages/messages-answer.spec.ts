import { expect, test } from 'vitest';
import type { JsonObject } from '../../../core/json.ts';
import type { Findings } from '../api.ts';
import { Gaps } from '../gaps.ts';
import { readMessagesAnswer } from './messages-answer.ts';

const read = (body: JsonObject): Findings => readMessagesAnswer(body, new Gaps());

test('finds every tool, the provider’s own too, and every thought', () => {
  const found = read({
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
    servedModel: null,
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
  const { error } = read({
    type: 'error',
    error: { type: 'overloaded_error', message: 'Overloaded' },
  });
  expect(error).toEqual({ type: 'overloaded_error', code: '', message: 'Overloaded' });
});

test.each([{}, { content: null, usage: 7 }, { content: [null, 'x', {}] }])(
  'finds nothing in %j',
  (body) => {
    expect(read(body)).toMatchObject({ usage: undefined, tools: [], thoughts: [] });
  },
);

test('a tool input that is nested too deeply costs its answer nothing else', () => {
  const input: unknown = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`);
  const content = [{ type: 'tool_use', id: 't1', name: 'ls', input }];
  const usage = { input_tokens: 1, output_tokens: 2 };
  expect(readMessagesAnswer({ id: 'msg_1', content, usage }, new Gaps())).toMatchObject({
    usage: { input: 1, output: 2 },
    tools: [{ toolCallId: 't1', input: '(nested too deeply to be recorded)' }],
  });
});
