import { RE2JS } from 're2js';
import type { ValueType } from './value-types.ts';

/**
 * A regular expression that takes time in proportion to the text and no more: what it looks
 * through comes from servers, and a backtracking one could be kept busy for ever.
 */
export class SafePattern {
  readonly source: string;
  readonly #compiled: RE2JS;

  /** Throws when the text is no expression of this kind. */
  constructor(source: string) {
    this.source = source;
    this.#compiled = RE2JS.compile(RE2JS.translateRegExp(source));
  }

  /** Whether it is found anywhere in the text. */
  finds(text: string): boolean {
    return this.#compiled.test(text);
  }
}

export const safePattern: ValueType<SafePattern> = {
  wants: 'a regular expression without look-around and back-references',
  read: (text) => {
    try {
      return new SafePattern(text);
    } catch {
      return undefined;
    }
  },
};
