import { describe, expect, it } from 'vitest';
import { parseKey, parseKeys, parseKeysFile } from './key-list.ts';
import type { KeyList } from './key-list.ts';

const FIRST = 'canary-0001';
const SECOND = 'canary-0002';

function revealed(list: KeyList): string[] {
  return list.kind === 'ok' ? list.keys.map((key) => key.reveal()) : [];
}

describe('a list of keys', () => {
  it.each<[string, KeyList, string[]]>([
    ['one key', parseKey(` ${FIRST}\n`), [FIRST]],
    ['keys separated by commas', parseKeys(`${SECOND}, ${FIRST}`), [SECOND, FIRST]],
    ['keys on lines', parseKeysFile(`${SECOND}\n${FIRST}`), [SECOND, FIRST]],
    [
      'lines with comments, blanks and Windows ends',
      parseKeysFile(`\uFEFF# team A\r\n${FIRST} # main\r\n\r\n  ${SECOND}  \r\n`),
      [FIRST, SECOND],
    ],
    ['a # inside a key', parseKeysFile('a#b'), ['a#b']],
    ['a # inside a comment', parseKeysFile(`${FIRST} # main # again`), [FIRST]],
  ])('keeps %s in order', (_, list, keys) => {
    expect(revealed(list)).toEqual(keys);
  });

  it.each<[string, KeyList, string[]]>([
    [
      'K-1: a blank key',
      parseKeys(`${FIRST},,${SECOND},`),
      ['blank key in place 2', 'blank key in place 4'],
    ],
    ['K-1: no key', parseKeys(''), ['blank key in place 1']],
    ['K-1: no single key', parseKey(' '), ['blank key in place 1']],
    [
      'K-1: a repetition',
      parseKeys(`${FIRST},${SECOND},${FIRST}`),
      ['key of place 1 again in place 3'],
    ],
    ['a repeated line', parseKeysFile(`#\n${FIRST}\n${FIRST}`), ['key of line 2 again in line 3']],
    ['K-1: a control character', parseKeys(`${FIRST},a\tb`), ['in place 2']],
    ['a space', parseKeysFile(`Bearer ${FIRST}`), ['in line 1']],
    ['a letter that no header can hold', parseKey(`${FIRST}…`), ['in place 1']],
    ['several in place of one', parseKey(`${FIRST},${SECOND}`), ['a comma']],
    ['a line that no editor ends', parseKeysFile(`a\u2028${FIRST}`), ['in line 1']],
    ['an account without a name', parseKeysFile(`${FIRST} # account=`), ['account in line 1']],
    ['an account that is no name', parseKeysFile(`a\nb # account="x"`), ['account in line 2']],
    ['a file of comments', parseKeysFile('# none\n\n'), ['a file without any key']],
  ])('says what is wrong and where, never the key: %s', (_, list, problems) => {
    const found = list.kind === 'invalid' ? list.problems : [];
    expect(found).toEqual(problems.map((problem) => expect.stringContaining(problem)));
    expect(found.join()).not.toContain('canary');
  });
});

it('the account behind a key is what the comment behind it says', () => {
  const list = parseKeysFile(
    ['# account=none', 'a', 'b # account=team-1', 'c # the spare one, account=team-1 too'].join(
      '\n',
    ),
  );
  const accounts = list.kind === 'ok' ? list.keys.map(({ account }) => account) : [];
  expect(accounts).toEqual([undefined, 'team-1', 'team-1']);
});
