import { describe, expect, it } from 'vitest';
import { padded, shortened, widthOf } from '../../scripts/text-width.ts';

describe('the width of a text on a terminal', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['ä', 1],
    ['a\u0308', 1],
    ['…', 1],
    ['佐藤', 4],
    ['한글', 4],
    ['ＡＢ', 4],
    ['👍🏽', 2],
    ['€', 1],
  ])('of %s', (text, width) => {
    expect(widthOf(text)).toBe(width);
  });

  it('is what a text is filled up to, or cut to between characters', () => {
    expect(padded('佐藤', 6)).toBe('佐藤  ');
    expect(padded('long', 2)).toBe('long');
    expect(shortened('abcd', 4)).toBe('abcd');
    expect(shortened('abcde', 4)).toBe('abc…');
    expect(shortened('佐藤太郎', 6)).toBe('佐藤…');
    expect(shortened('a👍🏽b', 3)).toBe('a…');
  });
});
