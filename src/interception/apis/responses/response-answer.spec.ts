import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../core/json.ts';
import type { Findings } from '../api.ts';
import { Gaps } from '../gaps.ts';
import { readResponse } from './response-answer.ts';

const read = (body: JsonObject): Findings => readResponse(body, new Gaps());

function found(...output: readonly object[]): readonly object[] {
  return read({ output }).tools;
}

describe('the tools that were called', () => {
  test('are all found, in their order, with their input as the model wrote it', () => {
    expect(
      found(
        { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'ls', arguments: '{"a": 1.0}' },
        { type: 'message', role: 'assistant', content: [] },
        { type: 'custom_tool_call', call_id: 'c2', name: 'sql', input: 'SELECT' },
        { type: 'function_call', call_id: 'c3', name: 'cat', arguments: '' },
      ),
    ).toEqual([
      { toolCallId: 'c1', tool: 'ls', input: '{"a": 1.0}' },
      { toolCallId: 'c2', tool: 'sql', input: 'SELECT' },
      { toolCallId: 'c3', tool: 'cat', input: '' },
    ]);
  });

  test.each([
    [{ type: 'web_search_call', id: 'ws', action: { query: 'x' } }, 'web_search', '{"query":"x"}'],
    [{ type: 'file_search_call', id: 'ws', queries: ['x'] }, 'file_search', '["x"]'],
    [{ type: 'code_interpreter_call', id: 'ws', code: '1+1' }, 'code_interpreter', '1+1'],
    [{ type: 'image_generation_call', id: 'ws', result: 'aGk=' }, 'image_generation', null],
    [{ type: 'mcp_call', id: 'ws', name: 'add', arguments: '{}', output: '3' }, 'add', '{}'],
    [{ type: 'future_call', id: 'ws' }, 'future', null],
  ])('include those the provider runs itself, and kinds to come: $type', (item, tool, input) => {
    expect(found(item)).toEqual([{ toolCallId: 'ws', tool, input }]);
  });
});

test('what the model said on the way is found in its order', () => {
  const { thoughts } = read({
    output: [
      {
        type: 'reasoning',
        summary: [{ text: 'one' }, { text: '' }, { text: 'two' }],
        content: [{ type: 'reasoning_text', text: 'in full' }],
        encrypted_content: 'secret',
      },
      {
        type: 'message',
        role: 'assistant',
        phase: 'commentary',
        content: [{ type: 'output_text', text: 'I will look.' }],
      },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Done.' }] },
    ],
  });
  expect(thoughts).toEqual([
    { source: 'reasoning_summary', text: 'one' },
    { source: 'reasoning_summary', text: 'two' },
    { source: 'thinking', text: 'in full' },
    { source: 'commentary', text: 'I will look.' },
  ]);
});

describe('the usage', () => {
  test('counts what was read from the cache and written to it apart from the rest', () => {
    const usage = {
      input_tokens: 100,
      output_tokens: 20,
      total_tokens: 120,
      input_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
      output_tokens_details: { reasoning_tokens: 8 },
    };
    expect(read({ usage }).usage).toEqual({
      input: 30,
      output: 20,
      cacheRead: 60,
      cacheWrite: 10,
      extra: { output_reasoning: 8 },
    });
  });

  test.each([undefined, null, {}, { input_tokens: -1 }])('is unknown from %j', (usage) => {
    expect(read({ usage }).usage).toBeUndefined();
  });
});

test.each([
  ['its own error', { error: { code: 'server_error', message: 'no' } }, 'server_error'],
  ['none in words', { status: 'failed', error: null }, ''],
])('a failure has %s', (_, body, code) => {
  expect(read(body).error).toMatchObject({ code });
});

test.each(['queued', 'in_progress', 'completed', 'incomplete'])('%s is no failure', (status) => {
  expect(read({ status, error: null, output: null }).error).toBeUndefined();
});
