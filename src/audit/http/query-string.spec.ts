import { describe, expect, it } from 'vitest';
import { parseQuery, UNREADABLE } from './query-string.ts';

describe('the parameters of a URL', () => {
  it.each([
    ['', {}],
    ['a=1', { a: '1' }],
    ['a', { a: '' }],
    ['a=', { a: '' }],
    ['a=b=c', { a: 'b=c' }],
    ['&&a=1&', { a: '1' }],
    ['a=1&b=2&a=3', { a: ['1', '3'], b: '2' }],
    ['a=x+y%2Bz', { a: 'x y+z' }],
    ['a=%E2%82%AC&%C3%A4=1', { a: '€', ä: '1' }],
    ['a[]=1&a[b]=2', { 'a[]': '1', 'a[b]': '2' }],
    ['a=%', { a: UNREADABLE }],
    ['a=%ff&a=1', { a: [UNREADABLE, '1'] }],
    ['%=1', { '%': '1' }],
    ['=1', { '': '1' }],
  ])('of "%s"', (text, expected) => {
    expect(parseQuery(text)).toEqual(expected);
  });

  it('are none without a query', () => {
    expect(parseQuery(undefined)).toEqual({});
  });

  it('may have the names that objects have, and are only names', () => {
    const parsed = parseQuery('__proto__=1&constructor=2');
    expect(Object.entries(parsed)).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ]);
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
  });

  it('are all there, however many', () => {
    const text = Array.from({ length: 5_000 }, (_, n) => `p${n}=${n}`).join('&');
    expect(Object.keys(parseQuery(text))).toHaveLength(5_000);
  });
});
