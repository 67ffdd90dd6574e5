import { isObject, type JsonObject } from '../../core/json.ts';

/**
 * The usage that the last of several turns tells, with every count in it, however deep, being that
 * of all turns. What is no count is said as the last turn says it.
 */
export function sumOfUsages(usages: readonly JsonObject[]): JsonObject {
  return usages.reduce((sum, usage) => added(sum, usage), {});
}

function added(sum: JsonObject, usage: JsonObject): JsonObject {
  const total: Record<string, unknown> = { ...sum };
  for (const [name, value] of Object.entries(usage)) {
    const before = total[name];
    if (typeof value === 'number' && typeof before === 'number') total[name] = before + value;
    else if (isObject(value)) total[name] = added(isObject(before) ? before : {}, value);
    // What one turn counts is counted, though the next one does not say it.
    else if (value !== null || before === undefined) total[name] = value;
  }
  return total;
}

/** What a turn says of its usage later takes the place of what it said before. */
export function laterUsage(before: JsonObject, later: JsonObject): JsonObject {
  const merged: Record<string, unknown> = { ...before };
  for (const [name, value] of Object.entries(later)) {
    if (value !== null || merged[name] === undefined) merged[name] = value;
  }
  return merged;
}
