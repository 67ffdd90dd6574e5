import type { JsonObject } from '../../core/json.ts';

/** Stands for a value that is not percent-encoded UTF-8: it is refused, not guessed at. */
export const UNREADABLE = Symbol('unreadable');

/**
 * The parameters of a URL, those that are repeated as arrays. Names are only names: neither brackets
 * nor those of prototypes mean anything, and what cannot be decoded stands for itself. However many
 * there are, none is overlooked; the server bounds their length.
 */
export function parseQuery(text: string | undefined): JsonObject {
  const values = new Map<string, unknown[]>();
  for (const pair of (text ?? '').split('&').filter((each) => each !== '')) {
    const equals = pair.indexOf('=');
    const [name, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    const key = decoded(name) ?? name;
    const others = values.get(key);
    const parsed = decoded(value) ?? UNREADABLE;
    if (others === undefined) values.set(key, [parsed]);
    else others.push(parsed);
  }
  const entries = [...values].map(([name, all]) => [name, all.length === 1 ? all[0] : all]);
  return Object.fromEntries(entries);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
