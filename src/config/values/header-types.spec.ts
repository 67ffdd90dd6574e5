import { describe, expect, it } from 'vitest';
import { headerTemplates, secretHeaders } from './header-types.ts';

describe('headers', () => {
  it('have lower-case names and decoded values', () => {
    const headers = secretHeaders.read('Authorization=Bearer%20a%2Cb, X-Team = red');
    expect(headers?.map(({ name, value }) => [name, value.reveal()])).toEqual([
      ['authorization', 'Bearer a,b'],
      ['x-team', 'red'],
    ]);
  });

  it.each(['a', 'a=', '=b', 'a=%zz', 'a=b%0ac', 'a=b,A=c', 'a=ä'])('are not %j', (text) => {
    expect(secretHeaders.read(text)).toBeUndefined();
  });

  it.each(['Host=a', 'Mcp-Session-Id=a', 'mcp-anything=a', 'Content-Type=a', 'connection=a'])(
    'leave to the protocol what is its own: %s',
    (text) => {
      expect(secretHeaders.read(text)).toBeUndefined();
      expect(headerTemplates.read(text)).toBeUndefined();
    },
  );

  it('show their names alone', () => {
    expect(secretHeaders.show?.('a=canary,b=canary')).toBe('a=…,b=…');
    expect(headerTemplates.show?.('a=canary{id}')).toBe('a=…');
  });
});

describe('templates of headers', () => {
  it('are made of text and claims', () => {
    expect(headerTemplates.read('X-User=u-{id}@{metadata.team name}')).toEqual([
      {
        name: 'x-user',
        parts: [
          { kind: 'text', text: 'u-' },
          { kind: 'id' },
          { kind: 'text', text: '@' },
          { kind: 'metadata', name: 'team name' },
        ],
      },
    ]);
  });

  it.each(['a={name}', 'a={', 'a=}', 'a={{id}}', 'a={metadata.}', 'a={ID}', 'a={}'])(
    'know no %s',
    (text) => {
      expect(headerTemplates.read(text)).toBeUndefined();
    },
  );
});
