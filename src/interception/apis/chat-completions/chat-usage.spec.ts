import { expect, test } from 'vitest';
import { readChatUsage } from './chat-usage.ts';

test('counts what was read from the cache and written to it apart from the rest', () => {
  const usage = readChatUsage({
    prompt_tokens: 100,
    completion_tokens: 20,
    total_tokens: 120,
    prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 10, audio_tokens: 5 },
    completion_tokens_details: {
      reasoning_tokens: 8,
      audio_tokens: 1,
      accepted_prediction_tokens: 2,
      rejected_prediction_tokens: 3,
    },
  });
  expect(usage).toEqual({
    input: 30,
    output: 20,
    cacheRead: 60,
    cacheWrite: 10,
    extra: {
      prompt_audio: 5,
      completion_reasoning: 8,
      completion_audio: 1,
      completion_accepted_prediction: 2,
      completion_rejected_prediction: 3,
    },
  });
});

test.each([
  ['output alone', { completion_tokens: 3 }, { input: 0, output: 3 }],
  ['no output', { prompt_tokens: 3, completion_tokens: 0 }, { input: 3, output: 0 }],
  ['details that are null', { prompt_tokens: 3, prompt_tokens_details: null }, { input: 3 }],
  [
    'more from the cache than there was',
    { prompt_tokens: 3, prompt_tokens_details: { cached_tokens: 5 } },
    { input: 0, cacheRead: 5 },
  ],
])('reads %s', (_, usage, expected) => {
  expect(readChatUsage(usage)).toMatchObject(expected);
});

test.each([[undefined], [{}], [{ prompt_tokens: -1 }], [{ completion_tokens: '7' }]])(
  'takes %j for no count at all',
  (usage) => {
    expect(readChatUsage(usage)).toBeUndefined();
  },
);
