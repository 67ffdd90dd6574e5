import { describe, expect, it } from 'vitest';
import { userHeaders } from './user-headers.ts';

const TEMPLATES = [
  { name: 'x-user', parts: [{ kind: 'id' }] },
  {
    name: 'x-mail',
    parts: [
      { kind: 'text', text: '<' },
      { kind: 'metadata', name: 'mail' },
      { kind: 'text', text: '>' },
    ],
  },
] as const;

const headersOf = (id: string, metadata: Readonly<Record<string, string>> = {}) =>
  userHeaders(TEMPLATES, { id, metadata, groups: [] });

describe('the headers that say who calls', () => {
  it('are made of what is known', () => {
    expect(headersOf('alice', { mail: 'a@corp' })).toEqual({
      'x-user': 'alice',
      'x-mail': '<a@corp>',
    });
  });

  it('lack what is not known', () => {
    expect(headersOf('alice')).toEqual({ 'x-user': 'alice' });
  });

  // A claim comes from outside: it must not become a second header, nor break the first.
  it.each(['a\r\nx-admin: yes', 'a\nb', 'a\0', '\u{85}', 'ä', 'a\u2028b', '', '   ', '\t'])(
    'lack what does not belong into one: %j',
    (claim) => {
      expect(headersOf(claim, { mail: claim })).toEqual({});
    },
  );

  it('take nothing for a claim that merely is there in every object', () => {
    const templates = [
      { name: 'a', parts: [{ kind: 'metadata', name: 'toString' }] },
      { name: 'b', parts: [{ kind: 'metadata', name: '__proto__' }] },
    ] as const;
    expect(userHeaders(templates, { id: 'a', metadata: {}, groups: [] })).toEqual({});
  });
});
