import { elementsOf, memberBytes, withMember, withMembers } from '../../../core/json-edit.ts';
import type { JsonObject } from '../../../core/json.ts';
import { jsonBytes, withElements } from './chat-edit.ts';
import type { OpenCall } from './open-calls.ts';

/**
 * The calls of a turn that its caller gets. They are numbered as they came until one is taken
 * out, and without a gap from there on.
 */
export class ShownCalls {
  readonly #isOurs: (call: OpenCall) => boolean;
  readonly #places = new Map<OpenCall, number>();
  #nextPlace = 0;
  #hasHidden = false;

  constructor(isOurs: (call: OpenCall) => boolean) {
    this.#isOurs = isOurs;
  }

  /** A message or a piece of one as the caller gets it. `calls`: what each of its pieces of calls is of. */
  shownOf(json: Buffer, message: JsonObject, calls: readonly (OpenCall | undefined)[]): Buffer {
    const shown = withElements(json, message, 'tool_calls', (piece, parsed, at) => {
      const call = calls[at];
      return call === undefined ? piece : this.#shownPiece(piece, parsed, call);
    });
    if (shown === json) return json;
    const isEmpty = elementsOf(memberBytes(shown, 'tool_calls') ?? NOTHING).length === 0;
    return isEmpty ? withMembers(shown, WITHOUT_CALLS) : shown;
  }

  #shownPiece(json: Buffer, piece: JsonObject, call: OpenCall): Buffer | undefined {
    if (this.#isOurs(call)) {
      this.#hasHidden = true;
      return undefined;
    }
    const { index } = piece;
    // A vendor that numbers no calls, or not in numbers, has callers that know.
    if (typeof index !== 'number') return json;
    const place = this.#placeOf(call, index);
    return place === index ? json : withMember(json, piece, 'index', jsonBytes(place));
  }

  #placeOf(call: OpenCall, index: number): number {
    const place = this.#places.get(call) ?? (this.#hasHidden ? this.#nextPlace : index);
    this.#places.set(call, place);
    this.#nextPlace = Math.max(this.#nextPlace, place + 1);
    return place;
  }
}

const NOTHING = Buffer.from('[]');
const WITHOUT_CALLS: ReadonlyMap<string, undefined> = new Map([['tool_calls', undefined]]);
