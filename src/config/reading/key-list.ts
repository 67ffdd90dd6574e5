import { KeySecret } from '../../core/key-secret.ts';

/** `problems` read "got …, wants …" and never show any part of a key. */
export type KeyList =
  | { readonly kind: 'ok'; readonly keys: readonly KeySecret[] }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

/**
 * One key per line in order of preference. Blank lines and `#` comments are skipped, but for the
 * account that a comment names behind its key: `sk-ant-...  # account=research`.
 */
export function parseKeysFile(text: string): KeyList {
  const places = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line, index) => {
      const [, key = '', comment = ''] = LINE.exec(line) ?? [];
      const account = ACCOUNT.exec(comment)?.[1];
      return { text: key.trim(), place: `line ${index + 1}`, account };
    })
    .filter((entry) => entry.text !== '');
  if (places.length === 0) {
    return { kind: 'invalid', problems: ['got a file without any key, wants one key per line'] };
  }
  return keyList(places);
}

/** Keys separated by commas, in order of preference. */
export function parseKeys(text: string): KeyList {
  return keyList(
    text.split(',').map((key, index) => ({ text: key.trim(), place: `place ${index + 1}` })),
  );
}

export function parseKey(text: string): KeyList {
  if (text.includes(',')) {
    return {
      kind: 'invalid',
      problems: ['got a comma, wants a single key; several go into the variable that ends in KEYS'],
    };
  }
  return keyList([{ text: text.trim(), place: 'place 1' }]);
}

/** A key, and what stands behind a `#` that is not part of one. */
const LINE = /^(.*?)(?:(?:^|\s)#(.*))?$/s;
const ACCOUNT = /(?:^|\s)account=(\S*)/;
const ACCOUNT_NAME = /^[\w.@-]{1,64}$/;

interface Entry {
  readonly text: string;
  readonly place: string;
  readonly account?: string | undefined;
}

function keyList(entries: readonly Entry[]): KeyList {
  const firstPlaces = new Map<string, string>();
  const problems: string[] = [];
  for (const { text, place, account } of entries) {
    problems.push(...accountProblems(account, place));
    const first = firstPlaces.get(text);
    if (text === '') problems.push(`got a blank key in ${place}, wants no blank keys`);
    else if (!/^[!-~]+$/.test(text)) problems.push(unprintable(place));
    else if (first === undefined) firstPlaces.set(text, place);
    else problems.push(`got the key of ${first} again in ${place}, wants every key once`);
  }
  if (problems.length > 0) return { kind: 'invalid', problems };
  return { kind: 'ok', keys: entries.map((entry) => new KeySecret(entry.text, entry.account)) };
}

/** What is wrong with the name of an account, if it is given. */
export function accountProblems(account: string | undefined, place: string): string[] {
  if (account === undefined || ACCOUNT_NAME.test(account)) return [];
  return [
    `got an account in ${place} that is no name, wants up to 64 letters, digits and any of . _ @ -`,
  ];
}

/** Anything else either cannot be sent in a header or comes from a slip of the clipboard. */
function unprintable(place: string): string {
  return `got a key with a space, a control or a non-ASCII character in ${place}, wants printable ASCII`;
}
