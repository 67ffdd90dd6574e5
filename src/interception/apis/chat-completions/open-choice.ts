import { objectAt, stringAt, type JsonObject } from '../../../core/json.ts';
import type { ThoughtFinding, ToolFinding } from '../api.ts';
import { calledIn, inputOf, reasoningIn, thoughtOf, toolCalls } from './chat-answer.ts';

interface OpenCall {
  id: string | null;
  tool: string;
  readonly parts: string[];
}

/** One of the answers of a stream while its pieces arrive. */
export class OpenChoice {
  readonly #calls: OpenCall[] = [];
  /** The newest of each index. */
  readonly #byIndex = new Map<unknown, OpenCall>();
  readonly #thought: string[] = [];
  isFinished = false;

  get hasCalls(): boolean {
    return this.#calls.length > 0;
  }

  add(choice: JsonObject): void {
    const delta = objectAt(choice, 'delta');
    if (delta !== undefined) {
      this.#thought.push(reasoningIn(delta) ?? '');
      for (const piece of toolCalls(delta)) this.#addToCall(piece);
    }
    if ((stringAt(choice, 'finish_reason') ?? '') !== '') this.isFinished = true;
  }

  /** A thought that was cut off was still thought. */
  get thoughts(): ThoughtFinding[] {
    return thoughtOf(this.#thought.join(''));
  }

  /** A call is whole when the next one has begun or the choice is finished; one that was cut off was never made. */
  get tools(): ToolFinding[] {
    const whole = this.isFinished ? this.#calls : this.#calls.slice(0, -1);
    return whole.map(({ id, tool, parts }) => ({
      toolCallId: id,
      tool,
      input: inputOf(parts.join('')),
    }));
  }

  #addToCall(piece: JsonObject): void {
    const { tool, input } = calledIn(piece);
    const call = this.#callOf(piece);
    call.tool ||= tool;
    call.parts.push(input);
  }

  /** Pieces belong together by their index. Some vendors leave it out or at 0, and only the id tells calls apart. */
  #callOf(piece: JsonObject): OpenCall {
    const { index } = piece;
    const id = stringAt(piece, 'id') || null;
    const known = index === undefined ? this.#calls.at(-1) : this.#byIndex.get(index);
    if (known !== undefined && (id === null || known.id === null || known.id === id)) {
      known.id ??= id;
      return known;
    }
    const call: OpenCall = { id, tool: '', parts: [] };
    this.#calls.push(call);
    this.#byIndex.set(index, call);
    return call;
  }
}
