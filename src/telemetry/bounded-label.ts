const VALUES_MAX = 100;
const OTHER = 'other';

/**
 * A label whose values callers choose: the first hundred are told apart, all later
 * ones are `other`. Each value costs memory here and a series at whoever scrapes,
 * so a caller who makes names up must run out of them.
 */
export class BoundedLabel {
  readonly #known = new Set<string>();

  of(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= VALUES_MAX) return OTHER;
    this.#known.add(value);
    return value;
  }
}
