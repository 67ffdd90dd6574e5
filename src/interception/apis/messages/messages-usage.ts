import { countAt, objectAt, type JsonObject } from '../../../core/json.ts';
import type { UsageFinding } from '../api.ts';

/**
 * Anthropic's counts are cumulative within a message: every later value replaces
 * the earlier one, and a field that a later event leaves out keeps its value.
 * Spec 02 §6: adding them up would count the first output tokens twice.
 */
export function mergeUsage(
  known: UsageFinding | undefined,
  usage: JsonObject | undefined,
): UsageFinding | undefined {
  if (usage === undefined) return known;
  const before = known ?? NO_USAGE;
  return {
    input: countAt(usage, 'input_tokens') ?? before.input,
    output: countAt(usage, 'output_tokens') ?? before.output,
    cacheRead: countAt(usage, 'cache_read_input_tokens') ?? before.cacheRead,
    cacheWrite: countAt(usage, 'cache_creation_input_tokens') ?? before.cacheWrite,
    extra: { ...before.extra, ...extraCounts(usage) },
  };
}

const NO_USAGE: UsageFinding = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, extra: {} };

/** What the four sums do not say already. */
function extraCounts(usage: JsonObject): Record<string, number> {
  const written = objectAt(usage, 'cache_creation');
  const serverTools = objectAt(usage, 'server_tool_use');
  const found: [string, number | undefined][] = [
    ['cache_ephemeral_5m_input', countAt(written, 'ephemeral_5m_input_tokens')],
    ['cache_ephemeral_1h_input', countAt(written, 'ephemeral_1h_input_tokens')],
    ['web_search_requests', countAt(serverTools, 'web_search_requests')],
  ];
  const counts: Record<string, number> = {};
  for (const [name, count] of found) if (count !== undefined) counts[name] = count;
  return counts;
}
