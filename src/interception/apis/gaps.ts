import { isClosed, parseObject, type JsonObject } from '../../core/json.ts';
import { misfitIn, type Fields } from '../../core/json-shape.ts';

const KINDS_MAX = 20;

/**
 * What of an answer could not be read, in words: a note for each kind of it, which says
 * how often it was met. With any of them, what was found may not be all there was.
 */
export class Gaps {
  readonly #counts = new Map<string, number>();

  get notes(): string[] {
    return [...this.#counts].map(([what, count]) =>
      count > 1 ? `${what} (${count} times)` : what,
    );
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  /** `what` is one of a fixed set: nothing of an answer stands in it. */
  add(what: string): void {
    const count = this.#counts.get(what) ?? 0;
    if (count > 0 || this.#counts.size < KINDS_MAX) this.#counts.set(what, count + 1);
  }

  /** Whatever of it fits is still to be read: the rest is missed, and noted. */
  check(name: string, value: unknown, fields: Fields): void {
    const misfit = misfitIn(value, fields);
    if (misfit === undefined) return;
    this.add(misfit === '' ? `${name} is not an object` : `${name} has no ${misfit} to be read`);
  }

  /** For data that is passed over: it is looked at no closer than to see that it was not cut off. */
  skip(name: string, data: string): void {
    if (!isClosed(data)) this.parse(name, data);
  }

  /** The data of an event, as far as it can be read. */
  parse(name: string, data: string, fields: Fields = {}): JsonObject | undefined {
    const value = parseObject(data);
    if (value === undefined) this.add(`${name} is not a JSON object`);
    else this.check(name, value, fields);
    return value;
  }
}
