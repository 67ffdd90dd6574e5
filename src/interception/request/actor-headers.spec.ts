import { describe, expect, it } from 'vitest';
import { actorHeaders } from './actor-headers.ts';

/** The value as the provider gets it. */
function idOf(id: string): string | undefined {
  return actorHeaders({ id, metadata: {} })[1];
}

/** Names, without what all begin with, and values in turn. */
function metadataOf(metadata: Readonly<Record<string, string>>): string[] {
  const headers = actorHeaders({ id: 'alice', metadata }).slice(2);
  return headers.map((text) => text.replace('X-AI-Bridge-Actor-Metadata-', ''));
}

describe('the headers about the caller', () => {
  it('name the caller and what is known of them', () => {
    expect(
      actorHeaders({ id: 'alice@corp', metadata: { Team: 'core', 'cost-centre': '7' } }),
    ).toEqual([
      'X-AI-Bridge-Actor-ID',
      'alice@corp',
      'X-AI-Bridge-Actor-Metadata-Team',
      'core',
      'X-AI-Bridge-Actor-Metadata-cost-centre',
      '7',
    ]);
  });

  it.each([
    ['alice@corp', 'alice@corp'],
    ["o'hara+ai/~!*()", "o'hara+ai/~!*()"],
    ['Zoë Müller', 'Zo%C3%AB%20M%C3%BCller'],
    ['王小明', '%E7%8E%8B%E5%B0%8F%E6%98%8E'],
    ['😀', '%F0%9F%98%80'],
    ['a%41', 'a%2541'],
    ['a\r\nx-api-key: stolen', 'a%0D%0Ax-api-key:%20stolen'],
    ['\u0000\u007f\t', '%00%7F%09'],
    ['half \ud83d of a pair', 'half%20%EF%BF%BD%20of%20a%20pair'],
    ['', ''],
  ])('carry %j as visible ASCII that can be read back', (text, value) => {
    expect(idOf(text)).toBe(value);
    expect(decodeURIComponent(value)).toBe(text.toWellFormed());
  });

  it('never cut who it is', () => {
    expect(idOf('王'.repeat(256))).toBe('%E7%8E%8B'.repeat(256));
  });

  it('have names that are header names', () => {
    const metadata = { 'full name': 'a', e_mail: 'b', 'a:\r\nb': 'c', größe: 'd' };
    const sent = [
      ['full-name', 'a'],
      ['e-mail', 'b'],
      ['a---b', 'c'],
      ['gr--e', 'd'],
    ];
    expect(metadataOf(metadata)).toEqual(sent.flat());
  });

  it.each([
    ['without a name', { '': 'a', '☃': 'b' }, []],
    [
      'with too long a name',
      { ['x'.repeat(65)]: 'a', ['y'.repeat(64)]: 'b' },
      ['y'.repeat(64), 'b'],
    ],
    ['that are too long', { a: 'x'.repeat(513), b: 'é'.repeat(86), c: '1' }, ['c', '1']],
    ['named like one before', { 'a b': '1', A_B: '2', 'a-b': '3' }, ['a-b', '1']],
  ])('leave out metadata %s', (_, metadata: Record<string, string>, sent) => {
    expect(metadataOf(metadata)).toEqual(sent);
  });

  it('stop at sixteen metadata', () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`m${at}`, 'x']));
    expect(metadataOf(many)).toHaveLength(32);
  });
});
