import { stringAt, type JsonObject } from '../../../core/json.ts';
import { calledIn } from './chat-answer.ts';

export interface OpenCall {
  id: string | null;
  /** Empty until it is named. */
  tool: string;
  readonly parts: string[];
}

/** The tool calls of an answer while their pieces arrive, in the order in which they began. */
export class OpenCalls {
  readonly all: OpenCall[] = [];
  /** The newest of each index. */
  readonly #byIndex = new Map<unknown, OpenCall>();

  /** Answers the call that the piece is one of. */
  add(piece: JsonObject): OpenCall {
    const { tool, input } = calledIn(piece);
    const call = this.#callOf(piece);
    call.tool ||= tool;
    call.parts.push(input);
    return call;
  }

  /** Pieces belong together by their index. Some vendors leave it out or at 0, and only the id tells calls apart. */
  #callOf(piece: JsonObject): OpenCall {
    const { index } = piece;
    const id = stringAt(piece, 'id') || null;
    const known = index === undefined ? this.all.at(-1) : this.#byIndex.get(index);
    if (known !== undefined && (id === null || known.id === null || known.id === id)) {
      known.id ??= id;
      return known;
    }
    const call: OpenCall = { id, tool: '', parts: [] };
    this.all.push(call);
    this.#byIndex.set(index, call);
    return call;
  }
}
