import { arrayAt, isObject, stringAt, type JsonObject } from '../../../core/json.ts';
import { inputOf } from './chat-answer.ts';
import { OpenCalls, type OpenCall } from './open-calls.ts';

/** What vendors want to see again of what a message said beside its content. */
const TEXTS = ['refusal', 'reasoning_content', 'reasoning'] as const;
/** Of a call these are put together; what else vendors add to one is repeated, as signatures are. */
const OF_CALLS: ReadonlySet<string> = new Set(['index', 'id', 'type', 'function', 'custom']);
/** Of the details of reasoning these come in pieces. */
const PIECES: ReadonlySet<string> = new Set(['text', 'summary']);

interface Details {
  isCustom: boolean;
  readonly others: Map<string, unknown>;
}

/** The assistant's message of a turn, put together from its pieces, as a conversation repeats it. */
export class SaidMessage {
  readonly #content: unknown[] = [];
  readonly #texts = new Map<string, string[]>();
  readonly #reasoning: Map<string, unknown>[] = [];
  readonly #calls = new OpenCalls();
  readonly #details = new Map<OpenCall, Details>();
  readonly #nameless = new Set<OpenCall>();

  /** A piece that says nothing is no call. */
  get calls(): readonly OpenCall[] {
    return this.#calls.all.filter(
      ({ id, tool, parts }) => id !== null || tool !== '' || parts.some((part) => part !== ''),
    );
  }

  /** Whose some call is cannot be told yet. */
  get hasNamelessCall(): boolean {
    return this.#nameless.size > 0;
  }

  /** Answers the call that each of the pieces of calls in it belongs to. */
  add(delta: JsonObject): readonly (OpenCall | undefined)[] {
    const content = delta['content'] ?? '';
    if (content !== '') this.#content.push(content);
    for (const name of TEXTS) this.#addText(name, stringAt(delta, name) ?? '');
    for (const [at, detail] of arrayAt(delta, 'reasoning_details').entries()) {
      if (isObject(detail)) this.#addReasoning(detail, at === 0);
    }
    return arrayAt(delta, 'tool_calls').map((piece) =>
      isObject(piece) ? this.#addToCall(piece) : undefined,
    );
  }

  /** `idOf`: what calls without an id are known by. */
  json(idOf: (call: OpenCall) => string): Buffer {
    const texts = [...this.#texts].map(([name, parts]) => [name, parts.join('')]);
    const details = this.#reasoning.map((detail) => Object.fromEntries(detail));
    const calls = this.calls.map((call) => this.#callJson(call, idOf(call)));
    const message = {
      role: 'assistant',
      content: this.#wholeContent(),
      ...Object.fromEntries(texts),
      ...(details.length > 0 && { reasoning_details: details }),
      ...(calls.length > 0 && { tool_calls: calls }),
    };
    return Buffer.from(JSON.stringify(message));
  }

  #addText(name: string, text: string): void {
    if (text === '') return;
    const known = this.#texts.get(name);
    if (known === undefined) this.#texts.set(name, [text]);
    else known.push(text);
  }

  /** Only the first of a chunk goes on with what came before: the others stand beside it. */
  #addReasoning(detail: JsonObject, isFirst: boolean): void {
    const last = this.#reasoning.at(-1);
    if (last === undefined || !isFirst || !goesOn(last, detail)) {
      this.#reasoning.push(new Map(Object.entries(detail)));
      return;
    }
    for (const [name, piece] of Object.entries(detail)) {
      const known = last.get(name);
      const isPiece = PIECES.has(name) && typeof known === 'string' && typeof piece === 'string';
      if (isPiece) last.set(name, known + piece);
      else if (piece !== null) last.set(name, piece);
    }
  }

  #addToCall(piece: JsonObject): OpenCall {
    const call = this.#calls.add(piece);
    if (call.tool === '') this.#nameless.add(call);
    else this.#nameless.delete(call);
    const details = this.#details.get(call) ?? { isCustom: false, others: new Map() };
    this.#details.set(call, details);
    details.isCustom ||= isObject(piece['custom']);
    for (const [name, value] of Object.entries(piece)) {
      if (!OF_CALLS.has(name)) details.others.set(name, value);
    }
    return call;
  }

  #callJson(call: OpenCall, id: string): object {
    const { isCustom, others } = this.#details.get(call) ?? NO_DETAILS;
    const called = isCustom
      ? { type: 'custom', custom: { name: call.tool, input: call.parts.join('') } }
      : { type: 'function', function: { name: call.tool, arguments: argumentsOf(call) } };
    return { id, ...called, ...Object.fromEntries(others) };
  }

  /** Some vendors say it in parts. */
  #wholeContent(): unknown {
    if (this.#content.length === 0) return null;
    if (this.#content.every((piece) => typeof piece === 'string')) return this.#content.join('');
    return this.#content.flatMap((piece): unknown =>
      typeof piece === 'string' ? { type: 'text', text: piece } : piece,
    );
  }
}

function goesOn(known: ReadonlyMap<string, unknown>, detail: JsonObject): boolean {
  const isSame = known.get('type') === detail['type'] && known.get('index') === detail['index'];
  return isSame && (['text', 'summary', 'signature'] as const).some((name) => name in detail);
}

/** As the model wrote them; of a call without any, vendors refuse to be told so. */
export function argumentsOf({ parts }: OpenCall): string {
  return inputOf(parts.join('')) ?? '{}';
}

const NO_DETAILS: Details = { isCustom: false, others: new Map() };
