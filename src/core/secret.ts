import { createHash } from 'node:crypto';
import { inspect } from 'node:util';

const DISTINCTIVE_LENGTH_MIN = 12;

/**
 * A credential that cannot be printed by accident: every way of turning it into
 * text gives the masked hint. `reveal` is the one, greppable, way to the value.
 */
export class Secret {
  readonly #value: string;
  readonly hint: string;
  /** First 12 hex digits of the SHA-256: tells two keys with equal ends apart. */
  readonly fingerprint: string;

  constructor(value: string) {
    this.#value = value;
    this.hint = maskSecret(value);
    this.fingerprint = createHash('sha256').update(value).digest('hex').slice(0, 12);
  }

  reveal(): string {
    return this.#value;
  }

  /**
   * Long enough to be told from other text. Servers of one's own are often given a
   * key that is just some word, which is no secret where it stands in an answer.
   */
  get isDistinctive(): boolean {
    return this.#value.length >= DISTINCTIVE_LENGTH_MIN;
  }

  /** All that must not be seen of it: a credential may have more than the part that names it. */
  get parts(): readonly Secret[] {
    return [this];
  }

  /** Whether nothing of the two differs, be it a part that the fingerprint does not tell. */
  isSameAs(other: Secret): boolean {
    const [own, others] = [this.parts, other.parts].map((parts) =>
      parts.map((part) => part.#value).join('\n'),
    );
    return own === others;
  }

  /** The text with hints wherever the secret stands in it. */
  maskIn(text: string): string {
    return this.parts.reduce((masked, part) => masked.replaceAll(part.#value, part.hint), text);
  }

  toString(): string {
    return this.hint;
  }

  toJSON(): string {
    return this.hint;
  }

  [inspect.custom](): string {
    return `Secret(${this.hint})`;
  }
}

/** Shows so few ends of a credential that the rest cannot be guessed from them. */
export function maskSecret(value: string): string {
  const points = Array.from(value);
  if (points.length === 0) return '';
  const shown = shownAtEachEnd(points.length);
  if (shown === 0) return '...';
  return `${points.slice(0, shown).join('')}...${points.slice(-shown).join('')}`;
}

function shownAtEachEnd(length: number): number {
  if (length >= 20) return 4;
  if (length >= 10) return 2;
  return length >= 5 ? 1 : 0;
}
