import { expect, test } from 'vitest';
import type { JsonObject } from '../../../core/json.ts';
import type { Findings } from '../api.ts';
import { Gaps } from '../gaps.ts';
import { readChatAnswer } from './chat-answer.ts';

const read = (body: JsonObject): Findings => readChatAnswer(body, new Gaps());

const call = (id: string, name: string, args: string): object => ({
  id,
  type: 'function',
  function: { name, arguments: args },
});

test('finds every tool call of every choice, with its input as the model wrote it', () => {
  const { tools } = read({
    choices: [
      { message: { tool_calls: [call('c1', 'ls', '{"a": 1.0}'), call('c2', 'cat', 'not json')] } },
      { message: { tool_calls: [call('c3', 'pwd', ' ')] } },
      {
        message: {
          tool_calls: [{ id: 'c4', type: 'custom', custom: { name: 'sql', input: 'x' } }],
        },
      },
      { message: { function_call: { name: 'old', arguments: '{}' } } },
    ],
  });
  expect(tools).toEqual([
    { toolCallId: 'c1', tool: 'ls', input: '{"a": 1.0}' },
    { toolCallId: 'c2', tool: 'cat', input: 'not json' },
    { toolCallId: 'c3', tool: 'pwd', input: null },
    { toolCallId: 'c4', tool: 'sql', input: 'x' },
    { toolCallId: null, tool: 'old', input: '{}' },
  ]);
});

test.each([
  ['reasoning_content', { reasoning_content: 'hm' }],
  ['reasoning', { reasoning: 'hm', content: 'x' }],
  ['both, once', { reasoning: 'hm', reasoning_content: 'hm' }],
])('takes %s for a thought', (_, message) => {
  expect(read({ choices: [{ message }] }).thoughts).toEqual([{ source: 'thinking', text: 'hm' }]);
});

test('names the answer, its usage and its error', () => {
  const found = read({
    id: 'chatcmpl-1',
    usage: { prompt_tokens: 1, completion_tokens: 2 },
    error: { message: 'no', type: 'server_error', code: null },
  });
  expect(found).toMatchObject({
    messageId: 'chatcmpl-1',
    usage: { input: 1, output: 2 },
    error: { type: 'server_error', message: 'no' },
  });
});

test.each([{}, { choices: null }, { choices: [null, {}, { message: 'x' }] }, { error: null }])(
  'finds nothing in %j',
  (body) => {
    expect(read(body)).toEqual({
      messageId: null,
      servedModel: null,
      usage: undefined,
      tools: [],
      thoughts: [],
      error: undefined,
    });
  },
);
