import { arrayOf, elementsOf, memberBytes, withLast, withMember } from '../../../core/json-edit.ts';
import {
  arrayAt,
  isObject,
  jsonText,
  objectAt,
  parseJson,
  parseObject,
  stringAt,
  type JsonObject,
} from '../../../core/json.ts';
import type { OfferedTool, ToolResult } from '../../../mcp/index.ts';
import type { AnsweredCall, KeptTurns, RequestText, ToolDialect } from '../tool-dialect.ts';
import { calledIn, inputOf } from './chat-answer.ts';
import { jsonBytes } from './chat-edit.ts';
import { ChatWeaver } from './chat-weaver.ts';

/**
 * Spec C-15, and what it asks to be done better: the bridge's tools come last, so that the caller's
 * stay at the beginning that vendors keep in their caches, and calls may be made in parallel.
 */
export const CHAT_TOOLS: ToolDialect = {
  callersTools(body) {
    const own = arrayAt(body, 'tools').filter(isObject);
    return refusalOf(body) ?? new Set(own.map((tool) => calledIn(tool).tool));
  },

  withTools({ json, body }, tools) {
    const given = Array.isArray(body['tools']) ? memberBytes(json, 'tools') : undefined;
    return withMember(json, body, 'tools', withLast(given ?? NO_ELEMENTS, tools.map(offeredJson)));
  },

  continued: ({ json, body }, elements) =>
    withMember(json, body, 'messages', withLast(messagesOf(json), elements)),

  withoutCalls: ({ json, body }) => withMember(json, body, 'tool_choice', FORBIDDEN),

  resultsOf: (results) => results.map(resultMessage),

  restored: restoredMessages,

  startWeaving: (isOffered) => new ChatWeaver(isOffered),
};

/** Why the request can have no tools but its own. */
function refusalOf(body: JsonObject): string | undefined {
  const { tools = null, n = null } = body;
  if (body['tool_choice'] === 'none') return 'the request forbids tools';
  if (tools !== null && !Array.isArray(tools)) return 'the tools of the request are no array';
  if (OLDER.some((name) => (body[name] ?? null) !== null))
    return 'the request has tools of the older kind';
  return n === null || n === 1 ? undefined : 'the request asks for several answers';
}

function messagesOf(json: Buffer): Buffer {
  return memberBytes(json, 'messages') ?? NO_ELEMENTS;
}

const rendered = new WeakMap<OfferedTool, Buffer>();

/** Made once for each tool, so that it is the same in every request. */
function offeredJson(tool: OfferedTool): Buffer {
  const known = rendered.get(tool);
  if (known !== undefined) return known;
  const { name, description, inputSchema } = tool;
  const properties = objectAt(inputSchema, 'properties') ?? {};
  const parameters = { ...inputSchema, type: 'object', properties };
  const called = { name, description, strict: false, parameters };
  const json = jsonBytes({ type: 'function', function: called });
  rendered.set(tool, json);
  return json;
}

function resultMessage({ call, result }: AnsweredCall): Buffer {
  return jsonBytes({ role: 'tool', tool_call_id: call.id, content: textOf(result) });
}

/** Results are texts in this API, and not every vendor takes one that is empty. */
function textOf({ content, structured }: ToolResult): string {
  const texts = content.map((part) =>
    part.type === 'text' ? part.text : `[${part.mimeType} image, not shown]`,
  );
  const isTold = content.some(({ type }) => type === 'text');
  if (!isTold && structured !== undefined) texts.unshift(JSON.stringify(structured));
  return texts.join('\n') || '[no content]';
}

/**
 * A message that calls tools of the caller's as the model wrote it, with what came before it, and
 * the results of the bridge's tools before the caller's.
 */
function restoredMessages(
  { json, body }: RequestText,
  kept: (callId: string) => KeptTurns | undefined,
): Buffer | undefined {
  const found = arrayAt(body, 'messages').map((message) => keptOf(message, kept));
  if (found.every((turns) => turns === undefined)) return undefined;
  const restored = elementsOf(messagesOf(json)).flatMap((element, index) => {
    const turns = found[index];
    if (turns === undefined) return [element];
    return [...turns.before, ...turns.said, ...turns.results.map(resultMessage)];
  });
  return withMember(json, body, 'messages', arrayOf(restored));
}

/** Only where the message still calls just what the caller was shown. */
function keptOf(
  message: unknown,
  kept: (callId: string) => KeptTurns | undefined,
): KeptTurns | undefined {
  if (!isObject(message) || message['role'] !== 'assistant') return undefined;
  const calls = arrayAt(message, 'tool_calls').filter(isObject);
  const called = calls.map(idOf);
  const turns = called[0] ? kept(called[0]) : undefined;
  const isSame =
    turns?.callersCalls.length === called.length &&
    turns.callersCalls.every((id, index) => id === called[index]);
  return isSame && saysAll(turns.said, calls) ? turns : undefined;
}

/** Some vendors begin to count their calls anew in each conversation: the id alone is not enough. */
function saysAll(said: readonly Buffer[], calls: readonly JsonObject[]): boolean {
  const known = said
    .flatMap((message) => arrayAt(parseObject(message.toString()), 'tool_calls'))
    .filter(isObject);
  const byId = new Map(known.map((call) => [idOf(call), calledIn(call)]));
  return calls.every((call) => {
    const { tool, input } = calledIn(call);
    const before = byId.get(idOf(call));
    return before?.tool === tool && isSameInput(before.input, input);
  });
}

/** Clients may have read it, and written it in their own way. */
function isSameInput(one: string, other: string): boolean {
  const [before, after] = [one, other].map((input) => parseJson(inputOf(input) ?? '{}'));
  if (before === undefined) return one === other;
  return jsonText(before) === jsonText(after);
}

function idOf(call: JsonObject): string {
  return stringAt(call, 'id') ?? '';
}

const OLDER = ['functions', 'function_call'] as const;
const NO_ELEMENTS = Buffer.from('[]');
const FORBIDDEN = Buffer.from('"none"');
