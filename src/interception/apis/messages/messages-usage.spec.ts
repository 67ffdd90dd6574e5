import { expect, test } from 'vitest';
import { mergeUsage } from './messages-usage.ts';

const START = {
  input_tokens: 10,
  output_tokens: 1,
  cache_read_input_tokens: 30,
  cache_creation_input_tokens: 7,
  cache_creation: { ephemeral_5m_input_tokens: 4, ephemeral_1h_input_tokens: 3 },
};

test('a later count replaces an earlier one and is not added to it', () => {
  const usage = mergeUsage(mergeUsage(undefined, START), { output_tokens: 20 });
  expect(usage).toEqual({
    input: 10,
    output: 20,
    cacheRead: 30,
    cacheWrite: 7,
    extra: { cache_ephemeral_5m_input: 4, cache_ephemeral_1h_input: 3 },
  });
});

test('a count of zero replaces an earlier one, and a null does not', () => {
  const before = mergeUsage(undefined, START);
  const after = mergeUsage(before, { input_tokens: 0, cache_read_input_tokens: null });
  expect(after).toMatchObject({ input: 0, cacheRead: 30 });
});

test('searches that the provider made are counted', () => {
  const usage = mergeUsage(undefined, { server_tool_use: { web_search_requests: 2 } });
  expect(usage?.extra).toEqual({ web_search_requests: 2 });
});

test('without usage there is none', () => {
  expect(mergeUsage(undefined, undefined)).toBeUndefined();
});
