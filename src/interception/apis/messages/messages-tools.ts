import { isDeepStrictEqual } from 'node:util';
import {
  elementsOf,
  memberBytes,
  withFirst,
  withLast,
  withMember,
  arrayOf,
} from '../../../core/json-edit.ts';
import { arrayAt, isObject, parseObject, stringAt, type JsonObject } from '../../../core/json.ts';
import type { OfferedTool, ToolContent, ToolResult } from '../../../mcp/index.ts';
import type { AnsweredCall, KeptTurns, RequestText, ToolDialect } from '../tool-dialect.ts';
import { callsIn } from './messages-block.ts';
import { MessagesWeaver } from './messages-weaver.ts';

/**
 * Spec M-10, and what it asks to be done better: the bridge's tools come first, so that the
 * caller's marks for the cache stay where they are, and the caller's choice of tools is left alone.
 */
export const MESSAGES_TOOLS: ToolDialect = {
  callersTools(body) {
    const { tools = null, tool_choice: choice } = body;
    if (isObject(choice) && choice['type'] === 'none') return 'the request forbids tools';
    if (tools !== null && !Array.isArray(tools)) return 'the tools of the request are no array';
    const own = arrayAt(body, 'tools').filter(isObject);
    return new Set(own.map((tool) => stringAt(tool, 'name') ?? ''));
  },

  withTools({ json, body }, tools) {
    const offered = tools.map(offeredJson);
    const given = Array.isArray(body['tools']) ? memberBytes(json, 'tools') : undefined;
    return withMember(json, body, 'tools', withFirst(given ?? NO_ELEMENTS, offered));
  },

  continued({ json, body }, elements) {
    const longer = withMember(json, body, 'messages', withLast(messagesOf(json), elements));
    const { tool_choice: choice } = body;
    // A tool has been called, and the model would never come to an end if it had to call one again.
    if (!isObject(choice) || choice['type'] !== 'any') return longer;
    return withMember(
      longer,
      body,
      'tool_choice',
      Buffer.from(JSON.stringify({ ...choice, type: 'auto' })),
    );
  },

  withoutCalls: ({ json, body }) => withMember(json, body, 'tool_choice', FORBIDDEN),

  resultsOf: (results) => [userMessage(results.map(resultBlock))],

  restored: restoredMessages,

  startWeaving: (isOffered) => new MessagesWeaver(isOffered),
};

function messagesOf(json: Buffer): Buffer {
  return memberBytes(json, 'messages') ?? NO_ELEMENTS;
}

const rendered = new WeakMap<OfferedTool, Buffer>();

/** Made once for each tool, so that it is the same in every request. */
function offeredJson(tool: OfferedTool): Buffer {
  const known = rendered.get(tool);
  if (known !== undefined) return known;
  const { name, description, inputSchema: input_schema } = tool;
  const json = Buffer.from(JSON.stringify({ name, description, type: 'custom', input_schema }));
  rendered.set(tool, json);
  return json;
}

function userMessage(blocks: readonly Buffer[]): Buffer {
  return Buffer.concat([ASKED, arrayOf(blocks), END]);
}

function resultBlock({ call, result }: AnsweredCall): Buffer {
  const block = {
    type: 'tool_result',
    tool_use_id: call.id,
    content: contentOf(result),
    ...(result.isError && { is_error: true }),
  };
  return Buffer.from(JSON.stringify(block));
}

function contentOf({ content }: ToolResult): object[] {
  return content.map((part) => (part.type === 'text' ? part : imageOf(part)));
}

function imageOf({ mimeType, base64 }: Extract<ToolContent, { type: 'image' }>): object {
  return { type: 'image', source: { type: 'base64', media_type: mimeType, data: base64 } };
}

/**
 * A message that calls tools of the caller's as the model wrote it, with what came before it, and
 * the results of the bridge's tools beside the caller's.
 */
function restoredMessages(
  { json, body }: RequestText,
  kept: (callId: string) => KeptTurns | undefined,
): Buffer | undefined {
  const elements = elementsOf(messagesOf(json));
  const messages = arrayAt(body, 'messages');
  const restored: Buffer[] = [];
  let open: KeptTurns | undefined;
  let hasKept = false;
  for (const [index, element] of elements.entries()) {
    const message = messages[index];
    const results = open?.results ?? [];
    open = isObject(message) ? keptOf(message, kept) : undefined;
    if (open === undefined) restored.push(withResults(element, message, results));
    else restored.push(...open.before, ...open.said);
    hasKept ||= open !== undefined;
  }
  return hasKept ? withMember(json, body, 'messages', arrayOf(restored)) : undefined;
}

/** Only where the message still calls just what the caller was shown: some vendors use their ids again. */
function keptOf(
  message: JsonObject,
  kept: (callId: string) => KeptTurns | undefined,
): KeptTurns | undefined {
  if (message['role'] !== 'assistant') return undefined;
  const called = callsIn(message);
  const [first] = called;
  const turns = first && kept(first.id);
  if (turns === undefined) return undefined;
  const { callersCalls, said } = turns;
  const saidCalls = said
    .flatMap((element) => callsIn(parseObject(element.toString('utf8'))))
    .filter(({ id }) => callersCalls.includes(id));
  return isDeepStrictEqual(saidCalls, called) ? turns : undefined;
}

function withResults(element: Buffer, message: unknown, results: readonly AnsweredCall[]): Buffer {
  if (results.length === 0 || !isObject(message)) return element;
  const content = memberBytes(element, 'content');
  if (content === undefined || !Array.isArray(message['content'])) return element;
  return withMember(element, message, 'content', withFirst(content, results.map(resultBlock)));
}

const NO_ELEMENTS = Buffer.from('[]');
const FORBIDDEN = Buffer.from('{"type":"none"}');
const ASKED = Buffer.from('{"role":"user","content":');
const END = Buffer.from('}');
