import { expect, it } from 'vitest';
import { parseConfig } from '../config/index.ts';
import { Identifier, type Introduction } from './identifier.ts';

function anIdentifier(env: Readonly<Record<string, string>> = {}): Identifier {
  const parsed = parseConfig(
    { AIBRIDGE_IDENTITY: 'header', ...env },
    { readFile: () => '', isTerminal: false },
  );
  if (parsed.kind === 'invalid') throw new Error(parsed.problems.join('\n'));
  return new Identifier(parsed.config.identity);
}

function anIntroduction(
  headers: Introduction['headers'],
  peerAddress: string | undefined = '127.0.0.1',
): Introduction {
  return { peerAddress, headers };
}

const ALICE = { 'x-forwarded-user': ['alice@corp'] };

it('lets everybody be the local admin where identity is off', () => {
  const identifier = anIdentifier({ AIBRIDGE_IDENTITY: 'none' });
  expect(identifier.identify(anIntroduction({}, '203.0.113.9'))).toMatchObject({
    id: 'local',
    role: 'admin',
  });
});

it.each<[string, string | undefined, boolean]>([
  ['the loopback of IPv4', '127.0.0.1', true],
  ['all of 127/8', '127.200.3.4', true],
  ['the loopback of IPv6', '::1', true],
  ['IPv4 in the clothes of IPv6', '::ffff:127.0.0.1', true],
  ['a neighbour', '10.0.0.7', false],
  ['a neighbour in the clothes of IPv6', '::ffff:10.0.0.7', false],
  ['another IPv6 host', '2001:db8::1', false],
  ['a socket that has gone', undefined, false],
])('believes the header from the configured peers alone: %s', (_, peerAddress, isBelieved) => {
  const caller = anIdentifier().identify({ peerAddress, headers: ALICE });
  expect(caller?.id).toBe(isBelieved ? 'alice@corp' : undefined);
});

it('believes who is configured in place of the loopback', () => {
  const identifier = anIdentifier({ AIBRIDGE_TRUSTED_PROXIES: '10.1.0.0/16' });
  expect(identifier.identify(anIntroduction(ALICE, '10.1.2.3'))?.id).toBe('alice@corp');
  expect(identifier.identify(anIntroduction(ALICE, '10.2.2.3'))).toBeUndefined();
  expect(identifier.identify(anIntroduction(ALICE))).toBeUndefined();
});

/** A header that is there twice was added to by somebody who is not the gateway. */
it.each<[string, Introduction['headers']]>([
  ['no user', {}],
  ['an empty user', { 'x-forwarded-user': ['  '] }],
  ['two users', { 'x-forwarded-user': ['alice@corp', 'ceo@corp'] }],
  ['the same user twice', { 'x-forwarded-user': ['alice@corp', 'alice@corp'] }],
  ['two lists of groups', { ...ALICE, 'x-forwarded-groups': ['dev', 'admins'] }],
  ['an endless user', { 'x-forwarded-user': ['a'.repeat(257)] }],
  ['control characters', { 'x-forwarded-user': ['alice\u0007'] }],
])('knows nobody by a header with %s', (_, headers) => {
  expect(anIdentifier().identify(anIntroduction(headers))).toBeUndefined();
});

it('takes the user as the gateway wrote it, without the blanks around', () => {
  const headers = { 'x-forwarded-user': [' Ünal, "K." <k@corp> '] };
  expect(anIdentifier().identify(anIntroduction(headers))?.id).toBe('Ünal, "K." <k@corp>');
});

it.each([
  ['', 'member'],
  ['dev', 'member'],
  ['Admins', 'member'],
  ['audit', 'auditor'],
  ['dev, audit', 'auditor'],
  [' audit ,, admins ', 'admin'],
  ['admins-not', 'member'],
])('gives who is in %j the role %s', (groups, role) => {
  const identifier = anIdentifier({
    AIBRIDGE_ADMIN_GROUPS: 'admins',
    AIBRIDGE_AUDITOR_GROUPS: 'audit',
  });
  const headers = { ...ALICE, 'x-forwarded-groups': [groups] };
  expect(identifier.identify(anIntroduction(headers))).toMatchObject({ id: 'alice@corp', role });
});

it('reads the headers that are configured, and names them for removal', () => {
  const identifier = anIdentifier({
    AIBRIDGE_IDENTITY_HEADER: 'X-Who',
    AIBRIDGE_GROUPS_HEADER: 'X-Where',
  });
  expect(identifier.headerNames).toEqual(new Set(['x-who', 'x-where']));
  expect(
    identifier.identify(anIntroduction({ 'x-who': ['bob'], 'x-where': ['dev'] })),
  ).toMatchObject({ id: 'bob', groups: ['dev'] });
  expect(identifier.identify(anIntroduction(ALICE))).toBeUndefined();
});
