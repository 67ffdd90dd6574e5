import type { Secret } from '../../core/secret.ts';

/** A list of keys no pool can be made of. Its message names positions and hints, never a key. */
export class KeyListError extends Error {
  override readonly name = 'KeyListError';
}

/** What a header value may hold without being split, folded or mangled on the way. */
const HEADER_SAFE = /^[\x21-\x7e]+$/;

export function assertKeyList(secrets: readonly Secret[]): void {
  if (secrets.length === 0) throw new KeyListError('a key pool needs at least one key');
  const seen = new Map<string, number>();
  for (const [index, secret] of secrets.entries()) {
    const value = secret.reveal();
    const position = index + 1;
    if (!HEADER_SAFE.test(value)) {
      throw new KeyListError(`key ${position} is blank or has spaces or control characters`);
    }
    const first = seen.get(value);
    if (first !== undefined) {
      throw new KeyListError(`key ${position} (${secret.hint}) repeats key ${first}`);
    }
    seen.set(value, position);
  }
}
