import type { ValueType } from '../values/value-types.ts';

/**
 * One configuration variable. Parsing, the detection of unknown names, the tables
 * of the documentation and `npm run config` all read this and nothing else.
 * `<N>` in a name stands for the number of a provider or server.
 */
export interface Setting<T> {
  readonly name: string;
  /** Another spelling of the name, which wins. */
  readonly alias: string | undefined;
  /** One phrase of Markdown. */
  readonly meaning: string;
  readonly type: ValueType<T>;
  /** The value when nothing is given. */
  readonly fallback: T;
  /** The default as text: what is parsed, or in words where it is not a fixed value. */
  readonly defaultText: string;
  readonly isSecret: boolean;
  /** Whether `NAME_FILE` may name a file that holds the value. */
  readonly hasFileForm: boolean;
}

interface Description<T> {
  readonly type: ValueType<T>;
  readonly meaning: string;
}

/** A setting with a fixed default, which goes through the same parser as a given value. */
export function setting<T>(
  name: string,
  description: Description<T> & { readonly default: string },
): Setting<T> {
  const fallback = description.type.read(description.default);
  if (fallback === undefined) throw new TypeError(`${name}: the default is not valid`);
  return { ...plain(name, description, description.default), fallback };
}

/** A setting that may be left out; `otherwise` says in words what then holds. */
export function optional<T>(
  name: string,
  description: Description<T> & { readonly otherwise?: string; readonly alias?: string },
): Setting<T | undefined> {
  const { otherwise = 'none', alias } = description;
  return { ...plain(name, description, otherwise), alias, fallback: undefined };
}

/** A setting that is never shown and, as `NAME_FILE`, may be read from a file. */
export function secret<T>(
  name: string,
  description: Description<T> & { readonly otherwise?: string; readonly hasFileForm?: false },
): Setting<T | undefined> {
  const hasFileForm = description.hasFileForm ?? true;
  return { ...optional(name, description), isSecret: true, hasFileForm };
}

function plain<T>(name: string, { type, meaning }: Description<T>, defaultText: string) {
  const alias: string | undefined = undefined;
  return { name, alias, type, meaning, defaultText, isSecret: false, hasFileForm: false };
}

/** Of what counts on below that number, the first. */
export function nameAt(each: { readonly name: string }, index: number | undefined): string {
  if (index === undefined) return each.name;
  return each.name.replace('<N>', String(index)).replace('<M>', '0');
}
