import { describe, expect, it } from 'vitest';
import { ANTHROPIC } from './anthropic/index.ts';
import { COPILOT } from './copilot/index.ts';
import { authHeader, readCallerCredential } from './credential.ts';
import { OPENAI } from './openai/index.ts';
import type { Provider } from './provider.ts';

/** The header that the caller's credential makes upstream; undefined: the pool pays. */
function sent(provider: Provider, headers: Record<string, string | readonly string[]>) {
  const valuesOf = (name: string): readonly string[] => [headers[name] ?? []].flat();
  const credential = readCallerCredential(valuesOf, provider.callerAuth, 'aibridge');
  return credential && authHeader(credential).join(': ');
}

describe("a caller's own credential", () => {
  it.each([
    [ANTHROPIC, { authorization: 'Bearer user-token' }, 'authorization: Bearer user-token'],
    [ANTHROPIC, { 'x-api-key': 'user-key' }, 'x-api-key: user-key'],
    [ANTHROPIC, { 'x-api-key': 'user-key', authorization: 'Bearer t' }, 'x-api-key: user-key'],
    [ANTHROPIC, { 'x-api-key': ' ', authorization: 'Bearer t' }, 'authorization: Bearer t'],
    [ANTHROPIC, {}, undefined],
    [OPENAI, { authorization: 'Bearer user-token' }, 'authorization: Bearer user-token'],
    [OPENAI, { authorization: 'Bearer t', 'x-api-key': 'k' }, 'authorization: Bearer t'],
    [OPENAI, { 'x-api-key': 'user-key' }, undefined],
    [COPILOT, { authorization: 'Bearer ghu_x' }, 'authorization: Bearer ghu_x'],
    [COPILOT, { 'x-api-key': 'user-key' }, undefined],
  ] as const)('%o reads %o as %s', (provider, headers, header) => {
    expect(sent(provider, headers)).toBe(header);
  });

  it.each([
    ['bEaReR x', 'authorization: Bearer x'],
    ['  Bearer   x  ', 'authorization: Bearer x'],
    ['Bearer a b', undefined],
    ['Bearer', undefined],
    ['Bearer ', undefined],
    ['Basic dXNlcjpwdw==', undefined],
    ['x', undefined],
  ])('P-20 parses the bearer "%s" as %s', (authorization, header) => {
    expect(sent(OPENAI, { authorization })).toBe(header);
  });

  // The placeholder must not be taken for a credential: it would go upstream and be refused there.
  it.each([
    [ANTHROPIC, { 'x-api-key': 'aibridge' }, undefined],
    [ANTHROPIC, { authorization: 'Bearer aibridge' }, undefined],
    [ANTHROPIC, { 'x-api-key': 'aibridge', authorization: 'Bearer aibridge' }, undefined],
    [ANTHROPIC, { 'x-api-key': 'aibridge', authorization: 'Bearer t' }, 'authorization: Bearer t'],
    [OPENAI, { authorization: 'Bearer aibridge' }, undefined],
    [OPENAI, { authorization: 'Bearer aibridge2' }, 'authorization: Bearer aibridge2'],
    [COPILOT, { authorization: 'Bearer aibridge' }, undefined],
  ] as const)('%o reads %o, with its placeholder, as %s', (provider, headers, header) => {
    expect(sent(provider, headers)).toBe(header);
  });

  // Whoever brings a credential pays with it, whatever else was added on the way.
  it.each([
    [ANTHROPIC, { 'x-api-key': ['aibridge', 'user-key'] }, 'x-api-key: user-key'],
    [ANTHROPIC, { 'x-api-key': ['', 'user-key'] }, 'x-api-key: user-key'],
    [ANTHROPIC, { 'x-api-key': ['first', 'second'] }, 'x-api-key: first'],
    [OPENAI, { authorization: ['Basic x', 'Bearer t'] }, 'authorization: Bearer t'],
    [OPENAI, { authorization: ['Bearer aibridge', 'Bearer t'] }, 'authorization: Bearer t'],
    [OPENAI, { authorization: ['Bearer aibridge', 'Bearer aibridge'] }, undefined],
  ] as const)('%o finds in all values of %o: %s', (provider, headers, header) => {
    expect(sent(provider, headers)).toBe(header);
  });

  it('does not show itself in text', () => {
    const credential = readCallerCredential(
      () => ['user-secret-key'],
      ANTHROPIC.callerAuth,
      'aibridge',
    );
    expect(JSON.stringify(credential)).toBe('{"secret":"us...ey","scheme":"x-api-key"}');
  });
});
