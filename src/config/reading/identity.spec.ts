import { describe, expect, it } from 'vitest';
import { readIdentity } from './identity.ts';
import { SettingsReader } from './settings-reader.ts';

function read(env: Readonly<Record<string, string>>, host = '127.0.0.1') {
  const reader = new SettingsReader(env, { readFile: () => '' });
  return { identity: readIdentity(reader, host), reader };
}

const JWT = {
  AIBRIDGE_IDENTITY: 'header,jwt',
  AIBRIDGE_JWT_JWKS_URL: 'https://id.example/jwks.json',
  AIBRIDGE_JWT_ISSUER: 'https://id.example',
  AIBRIDGE_JWT_AUDIENCE: 'aibridge',
};

describe('the identity', () => {
  it('is nobody in particular by default, on loopback', () => {
    const { identity, reader } = read({});

    expect(identity).toMatchObject({
      methods: 'none',
      header: 'x-forwarded-user',
      groupsHeader: 'x-forwarded-groups',
      adminGroups: [],
      auditorGroups: [],
      placeholderKey: 'aibridge',
      sendActorHeaders: false,
      jwt: undefined,
    });
    expect(identity.trustedProxies.ranges).toEqual(['127.0.0.0/8', '::1/128']);
    expect(reader.problems).toEqual([]);
  });

  it.each(['0.0.0.0', '::', '10.1.2.3', 'bridge.example'])(
    'has to be written out when others can reach %s',
    (host) => {
      expect(read({}, host).reader.problems).toEqual([
        expect.stringMatching(
          /^AIBRIDGE_IDENTITY: got nothing while HOST is .*, wants header, jwt or token, or none written out$/,
        ),
      ]);
      expect(read({ AIBRIDGE_IDENTITY: 'none' }, host).reader.problems).toEqual([]);
      expect(read({ AIBRIDGE_IDENTITY: 'header' }, host).reader.problems).toEqual([]);
    },
  );

  it('keeps the order of its methods', () => {
    expect(read({ ...JWT, AIBRIDGE_IDENTITY: 'jwt, header' }).identity.methods).toEqual([
      'jwt',
      'header',
    ]);
  });

  it('takes a signed token with the claims that are configured', () => {
    expect(read({ ...JWT, AIBRIDGE_JWT_ACTOR_CLAIM: 'email' }).identity.jwt).toEqual({
      header: 'x-aibridge-token',
      jwksUrl: 'https://id.example/jwks.json',
      issuer: 'https://id.example',
      audience: 'aibridge',
      actorClaim: 'email',
      groupsClaim: 'groups',
    });
  });

  it.each<[string, Record<string, string>, string]>([
    [
      'none beside a method',
      { AIBRIDGE_IDENTITY: 'none,header' },
      'AIBRIDGE_IDENTITY: got "none,header"',
    ],
    [
      'a method twice',
      { AIBRIDGE_IDENTITY: 'header,header' },
      'AIBRIDGE_IDENTITY: got "header,header"',
    ],
    ['an unknown method', { AIBRIDGE_IDENTITY: 'saml' }, 'AIBRIDGE_IDENTITY: got "saml"'],
    [
      'a token without its issuer',
      { ...JWT, AIBRIDGE_JWT_ISSUER: '' },
      'AIBRIDGE_JWT_ISSUER: got nothing although AIBRIDGE_IDENTITY has jwt',
    ],
    [
      'a token without its audience',
      { ...JWT, AIBRIDGE_JWT_AUDIENCE: '' },
      'AIBRIDGE_JWT_AUDIENCE: got nothing',
    ],
    [
      'a token without its keys',
      { ...JWT, AIBRIDGE_JWT_JWKS_URL: '' },
      'AIBRIDGE_JWT_JWKS_URL: got nothing',
    ],
    [
      'a wrong range of proxies',
      { AIBRIDGE_TRUSTED_PROXIES: '10.0.0.0/40' },
      'AIBRIDGE_TRUSTED_PROXIES: got "10.0.0.0/40"',
    ],
    [
      'a header that carries credentials',
      { AIBRIDGE_IDENTITY_HEADER: 'Authorization' },
      'AIBRIDGE_IDENTITY_HEADER: got "Authorization"',
    ],
    [
      'one header for two purposes',
      { AIBRIDGE_GROUPS_HEADER: 'x-forwarded-user' },
      'AIBRIDGE_GROUPS_HEADER: got "x-forwarded-user"',
    ],
    ['a blank group', { AIBRIDGE_ADMIN_GROUPS: 'a,,b' }, 'AIBRIDGE_ADMIN_GROUPS: got "a,,b"'],
  ])('refuses %s', (_, env, problem) => {
    expect(read(env).reader.problems).toContainEqual(expect.stringContaining(problem));
  });

  // Each of these reads like a protection; without its method it is none.
  it.each<[string, Record<string, string>]>([
    ['AIBRIDGE_ADMIN_GROUPS', { AIBRIDGE_ADMIN_GROUPS: 'ops' }],
    ['AIBRIDGE_TRUSTED_PROXIES', { AIBRIDGE_TRUSTED_PROXIES: '10.0.0.0/8' }],
    ['AIBRIDGE_JWT_AUDIENCE', { AIBRIDGE_JWT_AUDIENCE: 'a' }],
  ])('warns that %s has no effect', (name, env) => {
    expect(read(env).reader.warnings).toEqual([
      `${name}: has no effect with AIBRIDGE_IDENTITY none`,
    ]);
  });
});
