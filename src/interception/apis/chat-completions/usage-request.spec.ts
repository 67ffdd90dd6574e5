import { describe, expect, test } from 'vitest';
import { parseObject } from '../../../core/json.ts';
import type { Amendment } from '../api.ts';
import { askForUsage } from './usage-request.ts';

function amended(json: string): Amendment | undefined {
  return askForUsage(parseObject(json) ?? {}, Buffer.from(json));
}

describe('usage is asked for with as little change as possible', () => {
  test.each([
    ['{"stream":true}', '{"stream_options":{"include_usage":true},"stream":true}'],
    [
      '{"stream":true,"stream_options":null}',
      '{"stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      '{"stream":true,"stream_options":{}}',
      '{"stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      '{"stream_options": {"include_obfuscation": false}, "stream":true, "seed":1e400}',
      '{"stream_options": {"include_usage":true,"include_obfuscation": false}, "stream":true, "seed":1e400}',
    ],
    [
      '{"stream_options":{"include_usage":false},"stream":true}',
      '{"stream_options":{"include_usage":true},"stream":true}',
    ],
  ])('%s', (before, after) => {
    expect(amended(before)?.json.toString()).toBe(after);
  });
});

test.each([
  ['asks already', '{"stream":true,"stream_options":{"include_usage":true}}'],
  ['does not stream', '{"stream":false}'],
  ['says nothing of it', '{}'],
  ['has options that only the provider can judge', '{"stream":true,"stream_options":"x"}'],
])('a request that %s goes up as it came', (_, json) => {
  expect(amended(json)).toBeUndefined();
});

function hides(data: string): boolean | undefined {
  return amended('{"stream":true}')?.hides(Buffer.from(`data: ${data}\r\n\r\n`));
}

describe('the caller does not see', () => {
  test.each([
    '{"choices":[],"usage":{"total_tokens":1}}',
    '{"choices": [ ], "usage": {"prompt_tokens":1}, "obfuscation":"x"}',
  ])('%s', (data) => {
    expect(hides(data)).toBe(true);
  });

  test.each([
    '{"choices":[{"index":0,"delta":{}}],"usage":{"total_tokens":1}}',
    '{"choices":[],"usage":null}',
    '{"choices":[],"prompt_filter_results":[]}',
    '{"choices":[{"index":0,"delta":{"content":"\\"total_tokens\\""}}]}',
    '{"usage":{"total_tokens":1}}',
    '{"choices":[],"usage":{"total_tokens":1',
    '[DONE]',
  ])('but does see %s', (data) => {
    expect(hides(data)).toBe(false);
  });
});
