import {
  arrayAt,
  isObject,
  jsonText,
  objectAt,
  stringAt,
  type JsonObject,
} from '../../core/json.ts';

const PAGES_MAX = 50;
const TOOLS_MAX = 500;
const LIST_BYTES_MAX = 4 * 2 ** 20;
const NAME_LENGTH_MAX = 256;
const DESCRIPTION_LENGTH_MAX = 8_192;
const SCHEMA_BYTES_MAX = 64 * 1024;
const SCHEMA_DEPTH_MAX = 32;

/** A tool as its server lists it, as far as it can be offered. */
export interface ListedTool {
  readonly tool: string;
  readonly description: string;
  readonly input: ToolInput;
}

/** A JSON Schema of an object; or why the tool is of no use. */
export type ToolInput =
  | { readonly kind: 'schema'; readonly schema: JsonObject }
  | { readonly kind: 'malformed'; readonly reason: string };

export interface ToolList {
  readonly tools: readonly ListedTool[];
  /** There were more tools, or larger ones, than are read of a list. */
  readonly isCut: boolean;
}

/** Reads all pages of a list, as far as it is of a size that anybody could use. */
export async function readToolList(
  page: (cursor: string | undefined) => Promise<unknown>,
): Promise<ToolList> {
  const tools: ListedTool[] = [];
  const cursors = new Set<string>();
  let bytes = 0;
  let cursor: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const answer = await page(cursor);
    const body = isObject(answer) ? answer : undefined;
    for (const each of arrayAt(body, 'tools')) {
      const tool = listedTool(each);
      bytes += jsonText(tool).length;
      if (tools.length === TOOLS_MAX || bytes > LIST_BYTES_MAX) return { tools, isCut: true };
      tools.push(tool);
    }
    cursor = stringAt(body, 'nextCursor');
    if (cursor === undefined) return { tools, isCut: false };
    if (cursors.has(cursor)) break;
    cursors.add(cursor);
  }
  return { tools, isCut: true };
}

function listedTool(value: unknown): ListedTool {
  const body = isObject(value) ? value : undefined;
  const name = stringAt(body, 'name') ?? '';
  const description = shortened(stringAt(body, 'description') ?? '', DESCRIPTION_LENGTH_MAX);
  const tool = shortened(name, NAME_LENGTH_MAX);
  const isNamed = name !== '' && tool === name;
  const input = isNamed ? inputOf(body) : malformed('it has no name of a usable length');
  return { tool, description, input };
}

function inputOf(body: JsonObject | undefined): ToolInput {
  const schema = objectAt(body, 'inputSchema');
  if (schema === undefined || (schema['type'] ?? 'object') !== 'object') {
    return malformed('its input is not described as an object');
  }
  if (isDeeperThan(SCHEMA_DEPTH_MAX, schema)) {
    return malformed('the description of its input is nested too deeply');
  }
  if (Buffer.byteLength(jsonText(schema)) > SCHEMA_BYTES_MAX) {
    return malformed('the description of its input is too large');
  }
  return { kind: 'schema', schema: { type: 'object', ...schema } };
}

function malformed(reason: string): ToolInput {
  return { kind: 'malformed', reason };
}

/** Does not look deeper than it has to. */
export function isDeeperThan(depthMax: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depthMax === 0) return true;
  return Object.values(value).some((inner) => isDeeperThan(depthMax - 1, inner));
}

function shortened(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  return `${text.slice(0, lengthMax - 1).toWellFormed()}…`;
}
