import { arrayOf, elementsOf, memberBytes, withLast, withMember } from '../../../core/json-edit.ts';
import { arrayAt, isObject, stringAt, type JsonObject } from '../../../core/json.ts';
import type { OfferedTool, ToolResult } from '../../../mcp/index.ts';
import type { AnsweredCall, KeptTurns, RequestText, ToolDialect } from '../tool-dialect.ts';
import { isLostThought, isOutput, itemOf, type Item } from './responses-item.ts';
import { keptOf, restoredInput } from './responses-restored.ts';
import { ResponsesWeaver } from './responses-weaver.ts';

/**
 * Spec R-12. The bridge's tools come last and the caller's `parallel_tool_calls` stays as it is.
 */
export const RESPONSES_TOOLS: ToolDialect = {
  callersTools(body) {
    const { tools = null, tool_choice: choice, background } = body;
    if (choice === 'none') return 'the request forbids tools';
    if (background === true) return 'the response is made in the background';
    if (tools !== null && !Array.isArray(tools)) return 'the tools of the request are no array';
    return new Set([body, ...arrayAt(body, 'input').filter(isObject)].flatMap(toolNames));
  },

  withTools({ json, body }, tools) {
    const given = Array.isArray(body['tools']) ? memberBytes(json, 'tools') : undefined;
    return withMember(json, body, 'tools', withLast(given ?? NO_ELEMENTS, tools.map(offeredJson)));
  },

  continued: ({ json, body }, elements) =>
    withMember(json, body, 'input', continuedInput({ json, body }, elements)),

  withoutCalls: ({ json, body }) => withMember(json, body, 'tool_choice', FORBIDDEN),

  resultsOf,

  restored: restoredRequest,

  startWeaving: (isOffered) => new ResponsesWeaver(isOffered),
};

/** Of functions and custom tools, those in groups included; an item of the input may bring some too. */
function toolNames(holder: JsonObject): string[] {
  const tools = arrayAt(holder, 'tools').filter(isObject);
  return tools.flatMap((tool) => [stringAt(tool, 'name') ?? '', ...groupNames(tool)]);
}

/** Groups hold no groups. */
function groupNames(group: JsonObject): string[] {
  return arrayAt(group, 'tools')
    .filter(isObject)
    .map((tool) => stringAt(tool, 'name') ?? '');
}

const rendered = new WeakMap<OfferedTool, Buffer>();

/** Made once for each tool, so that it is the same in every request. */
function offeredJson(tool: OfferedTool): Buffer {
  const known = rendered.get(tool);
  if (known !== undefined) return known;
  const { name, description, inputSchema } = tool;
  const parameters = {
    ...inputSchema,
    type: 'object',
    properties: isObject(inputSchema['properties']) ? inputSchema['properties'] : {},
  };
  const json = Buffer.from(
    JSON.stringify({ type: 'function', name, description, strict: false, parameters }),
  );
  rendered.set(tool, json);
  return json;
}

/**
 * The whole conversation is repeated, also where the provider could store it: the last response then
 * has all of it, behind whatever `previous_response_id` names, and those before it none that is
 * needed. A `conversation` has stored the turn already: repeated, it would be there twice.
 */
function continuedInput({ json, body }: RequestText, elements: readonly Buffer[]): Buffer {
  if ((body['conversation'] ?? null) !== null)
    return arrayOf(elements.filter((element) => isOutput(itemOf(element).item)));
  return withLast(inputOf({ json, body }), sayable(elements, body));
}

/** A text is one message of the user's. */
function inputOf({ json, body }: RequestText): Buffer {
  const { input } = body;
  const given = memberBytes(json, 'input') ?? NO_ELEMENTS;
  if (Array.isArray(input)) return given;
  return typeof input === 'string' ? arrayOf([Buffer.concat([ASKED, given, END])]) : NO_ELEMENTS;
}

/**
 * Without what the provider does not store and would not find. Calls can do without the thoughts that
 * led to them there: those are demanded only of what is stored.
 */
function sayable(elements: readonly Buffer[], body: JsonObject): readonly Buffer[] {
  if (body['store'] !== false) return elements;
  return elements.filter((element) => !isLostThought(itemOf(element).item));
}

function resultsOf(results: readonly AnsweredCall[]): readonly Buffer[] {
  return results.map(({ call, result }) =>
    jsonBytes({ type: 'function_call_output', call_id: call.id, output: outputOf(result) }),
  );
}

function outputOf({ content, structured }: ToolResult): string {
  const hasText = content.some(({ type }) => type === 'text');
  const texts = content.map((part) =>
    part.type === 'text' ? part.text : `[an image: ${part.mimeType}]`,
  );
  if (!hasText && structured !== undefined) texts.unshift(JSON.stringify(structured));
  return texts.join('\n');
}

function restoredRequest(
  request: RequestText,
  kept: (name: string) => KeptTurns | undefined,
): Buffer | undefined {
  const { json, body } = request;
  const input = arrayAt(body, 'input');
  const hasKept = input.some((item) => isObject(item) && keptOf(item, kept) !== undefined);
  const sayableIn = (said: readonly Buffer[]): readonly Buffer[] => sayable(said, body);
  const putBack = { kept, resultsOf, sayable: sayableIn };
  const withInput = hasKept
    ? withMember(json, body, 'input', arrayOf(restoredInput(itemsOf(request), putBack)))
    : undefined;
  const lastId = kept(stringAt(body, 'previous_response_id') ?? '')?.lastId;
  if (lastId === undefined) return withInput;
  return withMember(withInput ?? json, body, 'previous_response_id', jsonBytes(lastId));
}

function itemsOf(request: RequestText): readonly Item[] {
  const elements = elementsOf(inputOf(request));
  return arrayAt(request.body, 'input').map((item, index) => ({
    item: isObject(item) ? item : {},
    json: elements[index] ?? NO_ELEMENTS,
  }));
}

function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

const NO_ELEMENTS = Buffer.from('[]');
const FORBIDDEN = Buffer.from('"none"');
const ASKED = Buffer.from('{"role":"user","content":');
const END = Buffer.from('}');
