import { arrayAt, isObject, objectAt, stringAt, type JsonObject } from '../../../core/json.ts';
import { readUpstreamError } from '../../../providers/index.ts';
import type { Findings, ThoughtFinding, ToolFinding } from '../api.ts';
import { mergeUsage } from './messages-usage.ts';

/** A whole answer, as a call without `stream` gets it. */
export function readMessagesAnswer(body: JsonObject): Findings {
  const blocks = arrayAt(body, 'content').filter(isObject);
  return {
    messageId: stringAt(body, 'id') ?? null,
    usage: mergeUsage(undefined, objectAt(body, 'usage')),
    tools: blocks.flatMap((block) => toolOf(block, JSON.stringify(block['input'] ?? {}))),
    thoughts: blocks.flatMap((block) => thoughtOf(block, stringAt(block, 'thinking') ?? '')),
    error: readUpstreamError(body),
  };
}

/** Tools that the provider runs itself are named too: an auditor asks what was used. */
const TOOL_BLOCKS = new Set(['tool_use', 'server_tool_use', 'mcp_tool_use']);

export function toolOf(block: JsonObject, input: string): ToolFinding[] {
  if (!TOOL_BLOCKS.has(stringAt(block, 'type') ?? '')) return [];
  const tool = stringAt(block, 'name') ?? '';
  return [{ toolCallId: stringAt(block, 'id') ?? null, tool, input }];
}

export function thoughtOf(block: JsonObject, text: string): ThoughtFinding[] {
  return block['type'] === 'thinking' && text !== '' ? [{ source: 'thinking', text }] : [];
}
