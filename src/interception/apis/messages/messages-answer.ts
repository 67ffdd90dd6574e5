import {
  arrayAt,
  isObject,
  jsonText,
  objectAt,
  stringAt,
  type JsonObject,
} from '../../../core/json.ts';
import { readUpstreamError } from '../../../providers/index.ts';
import type { Findings, ThoughtFinding, ToolFinding } from '../api.ts';
import type { Gaps } from '../gaps.ts';
import { BLOCKS, WHOLE_MESSAGE } from './messages-shapes.ts';
import { mergeUsage } from './messages-usage.ts';

/** A whole answer, as a call without `stream` gets it. */
export function readMessagesAnswer(body: JsonObject, gaps: Gaps): Findings {
  const error = readUpstreamError(body);
  const blocks = arrayAt(body, 'content').filter(isObject);
  if (error === undefined) gaps.check('the answer', body, WHOLE_MESSAGE);
  for (const block of blocks) checkBlock(block, gaps);
  return {
    messageId: stringAt(body, 'id') ?? null,
    servedModel: stringAt(body, 'model') || null,
    usage: mergeUsage(undefined, objectAt(body, 'usage')),
    tools: blocks.flatMap((block) => toolOf(block, jsonText(block['input'] ?? {}))),
    thoughts: blocks.flatMap((block) => thoughtOf(block, stringAt(block, 'thinking') ?? '')),
    error,
  };
}

export function checkBlock(block: JsonObject, gaps: Gaps): void {
  const type = stringAt(block, 'type') ?? '';
  if (Object.hasOwn(BLOCKS, type)) gaps.check(type, block, BLOCKS[type] ?? {});
}

export function isTool(block: JsonObject): boolean {
  return TOOL_BLOCKS.has(stringAt(block, 'type') ?? '');
}

/** Tools that the provider runs itself are named too: an auditor asks what was used. */
const TOOL_BLOCKS = new Set(['tool_use', 'server_tool_use', 'mcp_tool_use']);

export function toolOf(block: JsonObject, input: string): ToolFinding[] {
  if (!isTool(block)) return [];
  const tool = stringAt(block, 'name') ?? '';
  return [{ toolCallId: stringAt(block, 'id') ?? null, tool, input }];
}

export function thoughtOf(block: JsonObject, text: string): ThoughtFinding[] {
  return block['type'] === 'thinking' && text !== '' ? [{ source: 'thinking', text }] : [];
}
