import { describe, expect, it } from 'vitest';
import { safePattern } from './safe-pattern.ts';

describe('a safe pattern', () => {
  it.each([
    ['tool[12]', 'my_tool1', true],
    ['^tool$', 'Tool', false],
    ['工具.*', '工具1', true],
    [String.raw`^get_\w{1,9}$`, 'get_it', true],
    ['', 'anything', true],
  ])('%j looked for in %j: %s', (source, text, found) => {
    expect(safePattern.read(source)?.finds(text)).toBe(found);
  });

  it.each(['(', 'a(?=b)', '(?<!a)b', String.raw`(a)\1`, 'a{2000}', '((a{999}){999}){999}'])(
    'is not %s',
    (source) => {
      expect(safePattern.read(source)).toBeUndefined();
    },
  );

  // With a backtracking engine this takes longer than the universe has been there.
  it('takes no time that grows faster than the text', () => {
    const pattern = safePattern.read('^(a+)+$');
    expect(pattern?.finds(`${'a'.repeat(10_000)}!`)).toBe(false);
  });
});
