import { countAt, objectAt, type JsonObject } from '../../../core/json.ts';
import type { UsageFinding } from '../api.ts';

/**
 * OpenAI's input tokens include what was read from and written to the cache; the
 * audit counts the three apart, as they are billed. Undefined when nothing was counted.
 */
export function readResponseUsage(usage: JsonObject | undefined): UsageFinding | undefined {
  const input = countAt(usage, 'input_tokens');
  const output = countAt(usage, 'output_tokens');
  if (input === undefined && output === undefined) return undefined;
  const details = objectAt(usage, 'input_tokens_details');
  const cacheRead = countAt(details, 'cached_tokens') ?? 0;
  const cacheWrite = countAt(details, 'cache_write_tokens') ?? 0;
  const reasoning = countAt(objectAt(usage, 'output_tokens_details'), 'reasoning_tokens');
  return {
    input: Math.max(0, (input ?? 0) - cacheRead - cacheWrite),
    output: output ?? 0,
    cacheRead,
    cacheWrite,
    // The total is no count of its own.
    extra: reasoning === undefined ? {} : { output_reasoning: reasoning },
  };
}
