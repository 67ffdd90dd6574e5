import type { IdentityConfig, IdentityMethod, JwtConfig } from '../settings/bridge-config.ts';
import { isLoopback } from '../values/cidr-list.ts';
import type { SettingsReader } from './settings-reader.ts';
import { IDENTITY, JWT } from '../settings/settings.ts';
import { quoted } from '../settings/shown-text.ts';

export function readIdentity(reader: SettingsReader, host: string): IdentityConfig {
  const methods = readMethods(reader, host);
  const used = methods === 'none' ? [] : methods;
  const identity = {
    methods,
    header: reader.read(IDENTITY.header),
    groupsHeader: reader.read(IDENTITY.groupsHeader),
    trustedProxies: reader.read(IDENTITY.trustedProxies),
    jwt: readJwt(reader, used.includes('jwt')),
    adminGroups: reader.read(IDENTITY.adminGroups) ?? [],
    auditorGroups: reader.read(IDENTITY.auditorGroups) ?? [],
    placeholderKey: reader.read(IDENTITY.placeholderKey),
    sendActorHeaders: reader.read(IDENTITY.sendActorHeaders),
  };
  if (identity.header === identity.groupsHeader) {
    const got = quoted(identity.groupsHeader);
    reader.refuse(IDENTITY.groupsHeader.name, got, `another header than ${IDENTITY.header.name}`);
  }
  warnOfNoEffect(reader, used);
  return identity;
}

/** Everybody being admin is a fair default only where nobody else can connect. */
function readMethods(reader: SettingsReader, host: string): IdentityConfig['methods'] {
  const methods = reader.read(IDENTITY.methods);
  if (methods !== undefined) return methods;
  if (isLoopback(host)) reader.show(IDENTITY.methods.name, 'none');
  else if (!reader.isGiven(IDENTITY.methods)) {
    const got = `nothing while HOST is ${quoted(host)}, which others can reach`;
    reader.refuse(IDENTITY.methods.name, got, 'header, jwt or token, or none written out');
  }
  return 'none';
}

function readJwt(reader: SettingsReader, isUsed: boolean): JwtConfig | undefined {
  const header = reader.read(JWT.header);
  const jwksUrl = reader.read(JWT.jwksUrl);
  const issuer = reader.read(JWT.issuer);
  const audience = reader.read(JWT.audience);
  const actorClaim = reader.read(JWT.actorClaim);
  const groupsClaim = reader.read(JWT.groupsClaim);
  if (!isUsed) return undefined;
  for (const needed of [JWT.jwksUrl, JWT.issuer, JWT.audience]) {
    if (reader.isGiven(needed)) continue;
    reader.refuse(
      needed.name,
      `nothing although ${IDENTITY.methods.name} has jwt`,
      needed.type.wants,
    );
  }
  if (jwksUrl === undefined || issuer === undefined || audience === undefined) return undefined;
  return { header, jwksUrl, issuer, audience, actorClaim, groupsClaim };
}

const HEADER_ONLY = [IDENTITY.header, IDENTITY.groupsHeader, IDENTITY.trustedProxies];
const GROUPS = [IDENTITY.adminGroups, IDENTITY.auditorGroups];

/** An operator who sets one of these believes in a protection that is not there. */
function warnOfNoEffect(reader: SettingsReader, methods: readonly IdentityMethod[]): void {
  const without = [
    ...(methods.includes('header') ? [] : HEADER_ONLY),
    ...(methods.includes('jwt') ? [] : Object.values(JWT)),
    ...(methods.length > 0 ? [] : GROUPS),
  ];
  const identity = `${IDENTITY.methods.name} ${methods.join() || 'none'}`;
  for (const { name } of without.filter((each) => reader.isGiven(each))) {
    reader.warnings.push(`${name}: has no effect with ${identity}`);
  }
}
