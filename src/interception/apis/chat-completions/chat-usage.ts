import { countAt, objectAt, type JsonObject } from '../../../core/json.ts';
import type { UsageFinding } from '../api.ts';

/**
 * OpenAI's prompt tokens include what was read from and written to the cache; the
 * audit counts the three apart, as they are billed. Undefined when nothing was counted.
 */
export function readChatUsage(usage: JsonObject | undefined): UsageFinding | undefined {
  const prompt = countAt(usage, 'prompt_tokens');
  const output = countAt(usage, 'completion_tokens');
  if (prompt === undefined && output === undefined) return undefined;
  const details = objectAt(usage, 'prompt_tokens_details');
  const cacheRead = countAt(details, 'cached_tokens') ?? 0;
  const cacheWrite = countAt(details, 'cache_write_tokens') ?? 0;
  return {
    input: Math.max(0, (prompt ?? 0) - cacheRead - cacheWrite),
    output: output ?? 0,
    cacheRead,
    cacheWrite,
    extra: extraCounts(details, objectAt(usage, 'completion_tokens_details')),
  };
}

/** What the four sums do not say already. */
function extraCounts(
  prompt: JsonObject | undefined,
  completion: JsonObject | undefined,
): Record<string, number> {
  const found: [string, number | undefined][] = [
    ['prompt_audio', countAt(prompt, 'audio_tokens')],
    ['completion_reasoning', countAt(completion, 'reasoning_tokens')],
    ['completion_audio', countAt(completion, 'audio_tokens')],
    ['completion_accepted_prediction', countAt(completion, 'accepted_prediction_tokens')],
    ['completion_rejected_prediction', countAt(completion, 'rejected_prediction_tokens')],
  ];
  const counts: Record<string, number> = {};
  for (const [name, count] of found) if (count !== undefined) counts[name] = count;
  return counts;
}
