import { arrayAt, isObject, objectAt, stringAt, type JsonObject } from '../../../core/json.ts';
import { readUpstreamError } from '../../../providers/index.ts';
import type { Findings, ThoughtFinding, ToolFinding } from '../api.ts';
import type { Gaps } from '../gaps.ts';
import { CALL, CHOICE, COMPLETION } from './chat-shapes.ts';
import { readChatUsage } from './chat-usage.ts';

/** A whole answer, as a call without `stream` gets it; of several choices, each was produced. */
export function readChatAnswer(body: JsonObject, gaps: Gaps): Findings {
  const error = readUpstreamError(body);
  if (error === undefined) gaps.check('the answer', body, COMPLETION);
  const choices = arrayAt(body, 'choices').filter(isObject);
  for (const choice of choices) gaps.check('a choice', choice, CHOICE);
  const messages = choices
    .map((choice) => objectAt(choice, 'message'))
    .filter((message) => message !== undefined);
  for (const call of messages.flatMap(toolCalls)) gaps.check('a tool call', call, CALL);
  return {
    messageId: stringAt(body, 'id') || null,
    servedModel: stringAt(body, 'model') || null,
    usage: readChatUsage(objectAt(body, 'usage')),
    tools: messages.flatMap(toolCalls).map(toolOf),
    thoughts: messages.flatMap((message) => thoughtOf(reasoningIn(message) ?? '')),
    error,
  };
}

/** The tool calls of a message or, in a stream, the pieces of some; the older API had one without an id. */
export function toolCalls(message: JsonObject): JsonObject[] {
  const legacy = objectAt(message, 'function_call');
  const calls = arrayAt(message, 'tool_calls').filter(isObject);
  return legacy ? [...calls, { function: legacy }] : calls;
}

/** What is called and with what, whichever kind of tool it is. */
export function calledIn(call: JsonObject): { tool: string; input: string } {
  const called = objectAt(call, 'function') ?? objectAt(call, 'custom');
  return {
    tool: stringAt(called, 'name') ?? '',
    input: stringAt(called, 'arguments') ?? stringAt(called, 'input') ?? '',
  };
}

/** The names that OpenAI-compatible vendors gave to thinking; those that send both say the same twice. */
export function reasoningIn(message: JsonObject): string | undefined {
  return stringAt(message, 'reasoning_content') ?? stringAt(message, 'reasoning');
}

export function thoughtOf(text: string): ThoughtFinding[] {
  return text === '' ? [] : [{ source: 'thinking', text }];
}

function toolOf(call: JsonObject): ToolFinding {
  const { tool, input } = calledIn(call);
  return { toolCallId: stringAt(call, 'id') || null, tool, input: inputOf(input) };
}

/** A tool without arguments may be called with none at all. */
export function inputOf(text: string): string | null {
  return text.trim() === '' ? null : text;
}
