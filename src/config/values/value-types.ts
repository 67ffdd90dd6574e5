/**
 * How one kind of value is read from text. `read` answers undefined for a text
 * that is no such value; `wants` then ends the sentence "NAME: got …, wants …".
 */
export interface ValueType<T> {
  readonly wants: string;
  read(text: string): T | undefined;
  /** What may be shown of a text of this type; all of it when absent. */
  readonly show?: (text: string) => string;
}

export function duration(minMs: number, maxMs: number): ValueType<number> {
  return {
    wants: `a duration from ${durationText(minMs)} to ${durationText(maxMs)}, such as 250ms, 5s, 10m, 24h or 7d`,
    read: (text) => within(minMs, maxMs, text === '0' ? 0 : quantity(text, UNIT_MS)),
  };
}

/** Node's timers hold 2^31 - 1 ms and fire at once beyond that. */
export const TIMER_MAX_MS = 24 * 86_400_000;

const UNIT_MS: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
};

/** The shortest text that `duration` reads back as the same number. */
export function durationText(ms: number): string {
  if (ms === 0) return '0';
  const [unit, unitMs] = Object.entries(UNIT_MS).find(([, each]) => ms % each === 0) ?? ['ms', 1];
  return `${ms / unitMs}${unit}`;
}

export function size(minBytes: number, maxBytes: number): ValueType<number> {
  return {
    wants: `a size from ${sizeText(minBytes)} to ${sizeText(maxBytes)}, such as 64KiB or 32MiB`,
    read: (text) => within(minBytes, maxBytes, quantity(text, UNIT_BYTES)),
  };
}

const UNIT_BYTES: Readonly<Record<string, number>> = {
  TiB: 2 ** 40,
  GiB: 2 ** 30,
  MiB: 2 ** 20,
  KiB: 2 ** 10,
  B: 1,
};

function sizeText(bytes: number): string {
  const [unit, each] = Object.entries(UNIT_BYTES).find(([, one]) => bytes % one === 0) ?? ['B', 1];
  return `${bytes / each}${unit}`;
}

function quantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] = /^(\d{1,15})([a-zA-Z]+)$/.exec(text) ?? [];
  const each = unit === undefined || !Object.hasOwn(units, unit) ? undefined : units[unit];
  return each === undefined ? undefined : Number(digits) * each;
}

function within(min: number, max: number, value: number | undefined): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

export function integer(min: number, max: number): ValueType<number> {
  return {
    wants: `a whole number from ${min} to ${max}`,
    read: (text) => within(min, max, /^\d{1,15}$/.test(text) ? Number(text) : undefined),
  };
}

export function oneOf<const T extends string>(...choices: readonly T[]): ValueType<T> {
  return {
    wants: choices.length === 1 ? choices.join() : `one of ${choices.join(', ')}`,
    read: (text) => choices.find((choice) => choice === text),
  };
}

/** One of two words, as a boolean. */
export function flag(yes: string, no: string): ValueType<boolean> {
  return {
    wants: `${yes} or ${no}`,
    read: (text) => (text === yes ? true : text === no ? false : undefined),
  };
}

/** A word with a meaning of its own, beside the values of another type. */
export function wordOr<const W extends string, T>(word: W, other: ValueType<T>): ValueType<W | T> {
  return {
    wants: `${other.wants}, or ${word}`,
    read: (text) => (text === word ? word : other.read(text)),
  };
}

/** Values separated by commas: none blank, none twice. */
export function list<T>(item: ValueType<T>): ValueType<readonly T[]> {
  return {
    wants: `a list separated by commas, without blanks or repetitions, each ${item.wants}`,
    read: (text) => {
      const texts = text.split(',').map((part) => part.trim());
      const values = texts.map((part) => item.read(part)).filter((value) => value !== undefined);
      const isComplete = values.length === texts.length && new Set(texts).size === texts.length;
      return isComplete ? values : undefined;
    },
  };
}

/** Any text that the pattern matches. */
export function matching(wants: string, pattern: RegExp): ValueType<string> {
  return { wants, read: (text) => (pattern.test(text) ? text : undefined) };
}

export const plainText = matching('a text without control characters', /^\P{Cc}+$/u);
export const filePath = matching('a path', /^\P{Cc}+$/u);

/** What does not begin like a path may be the secret itself, given in place of its file. */
export const secretFilePath = {
  ...filePath,
  show: (path: string) =>
    /^(\/|\.{1,2}\/|[A-Za-z]:\\)\P{Cc}+$/u.test(path) ? path : 'a text that is not shown',
} satisfies ValueType<string>;

/** Lower-cased, as Node delivers header names. */
export const headerName: ValueType<string> = {
  wants: 'an HTTP header name',
  read: (text) => (/^[!#$%&'*+\-.^_`|~\w]+$/.test(text) ? text.toLowerCase() : undefined),
};
