import { arrayAt, isObject, jsonText, stringAt, type JsonObject } from '../../../core/json.ts';
import type { ThoughtFinding, ToolFinding } from '../api.ts';

/** Where the kinds of calls have what they were called with; results are never looked at. */
const INPUT_FIELDS = ['arguments', 'input', 'action', 'operation', 'code', 'queries'] as const;
const CALL = '_call';

/**
 * The tool that an output item calls: the caller's functions and custom tools, those
 * that the provider runs itself, and kinds that are yet to come.
 */
export function toolOf(item: JsonObject): ToolFinding[] {
  const type = stringAt(item, 'type') ?? '';
  if (!type.endsWith(CALL)) return [];
  return [
    {
      toolCallId: stringAt(item, 'call_id') || stringAt(item, 'id') || null,
      tool: stringAt(item, 'name') || type.slice(0, -CALL.length),
      input: inputOf(item),
    },
  ];
}

function inputOf(item: JsonObject): string | null {
  const value = INPUT_FIELDS.map((field) => item[field]).find((given) => (given ?? null) !== null);
  if (value === undefined) return null;
  return typeof value === 'string' ? value : jsonText(value);
}

/** What the model said on the way to its answer: summaries and texts of its reasoning, and commentary. */
export function thoughtsOf(item: JsonObject): ThoughtFinding[] {
  if (item['type'] === 'reasoning') {
    return [
      ...textsIn(item, 'summary').map((text) => ({ source: 'reasoning_summary' as const, text })),
      ...textsIn(item, 'content').map((text) => ({ source: 'thinking' as const, text })),
    ];
  }
  if (!isCommentary(item)) return [];
  return textsIn(item, 'content').map((text) => ({ source: 'commentary' as const, text }));
}

export function isCommentary(item: JsonObject): boolean {
  return (
    item['type'] === 'message' && item['role'] === 'assistant' && item['phase'] === 'commentary'
  );
}

function textsIn(item: JsonObject, parts: 'summary' | 'content'): string[] {
  return arrayAt(item, parts)
    .filter(isObject)
    .map((part) => stringAt(part, 'text') ?? '')
    .filter((text) => text !== '');
}
