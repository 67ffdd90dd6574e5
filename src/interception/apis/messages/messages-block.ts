import { withMember } from '../../../core/json-edit.ts';
import {
  arrayAt,
  isObject,
  jsonText,
  parseObject,
  stringAt,
  type JsonObject,
} from '../../../core/json.ts';
import type { ToolCall } from '../tool-dialect.ts';

/** A content block of a turn, as a conversation would repeat it. */
export interface SaidBlock {
  /** The tool of the bridge's or the caller's that it calls. */
  readonly call: ToolCall | undefined;
  /** Undefined where there is nothing to repeat: the API refuses texts that are blank. */
  readonly json: Buffer | undefined;
}

/** A block that came as a whole. */
export function wholeBlock(json: Buffer, block: JsonObject): SaidBlock {
  const call = callOf(block, jsonText(block['input'] ?? {}));
  return { call, json: isBlank(block) ? undefined : json };
}

/** A block that comes in pieces. */
export class StreamedBlock implements SaidBlock {
  readonly #block: Record<string, unknown>;
  readonly #inputParts: string[] = [];
  isClosed = false;

  constructor(block: JsonObject) {
    this.#block = { ...block };
  }

  get call(): ToolCall | undefined {
    return this.isClosed ? callOf(this.#block, this.#input) : undefined;
  }

  get json(): Buffer | undefined {
    if (isBlank(this.#block)) return undefined;
    const json = Buffer.from(JSON.stringify(this.#block));
    if (this.#inputParts.length === 0) return json;
    // As the model wrote it, or it would not find it again in its cache.
    const input = parseObject(this.#input) === undefined ? '{}' : this.#input;
    return withMember(json, this.#block, 'input', Buffer.from(input));
  }

  /** Kinds of pieces that are yet to come add to what they are called like. */
  add(delta: JsonObject): void {
    const type = stringAt(delta, 'type');
    if (type === 'input_json_delta') this.#inputParts.push(stringAt(delta, 'partial_json') ?? '');
    else if (type === 'citations_delta') this.#cite(delta['citation']);
    else for (const [name, piece] of Object.entries(delta)) this.#extend(name, piece);
  }

  get #input(): string {
    return this.#inputParts.join('') || jsonText(this.#block['input'] ?? {});
  }

  #cite(citation: unknown): void {
    const known = this.#block['citations'];
    this.#block['citations'] = Array.isArray(known) ? [...known, citation] : [citation];
  }

  #extend(name: string, piece: unknown): void {
    if (name === 'type' || typeof piece !== 'string') return;
    const known = this.#block[name];
    this.#block[name] = typeof known === 'string' ? known + piece : piece;
  }
}

/** What the provider runs itself is nobody else's to answer. */
function callOf(block: JsonObject, input: string): ToolCall | undefined {
  const id = stringAt(block, 'id');
  if (block['type'] !== 'tool_use' || !id) return undefined;
  return { id, name: stringAt(block, 'name') ?? '', input };
}

function isBlank(block: JsonObject): boolean {
  return block['type'] === 'text' && (stringAt(block, 'text') ?? '').trim() === '';
}

/** What a message calls, as far as it shows whether two of them call the same. */
export function callsIn(
  message: JsonObject | undefined,
): readonly { id: string; name: string; input: unknown }[] {
  return arrayAt(message, 'content')
    .filter(isObject)
    .filter((block) => block['type'] === 'tool_use')
    .map((block) => ({
      id: stringAt(block, 'id') ?? '',
      name: stringAt(block, 'name') ?? '',
      input: block['input'],
    }));
}
