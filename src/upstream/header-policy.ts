import type { Secret } from '../core/secret.ts';
import type { RawHeaders } from './wire/upstream-call.ts';

/** RFC 9110 §7.6.1: these speak about one connection and end with it. */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Set anew for each upstream call. `accept-encoding`: the audit reads what comes back. */
const MANAGED = ['host', 'content-length', 'accept-encoding', 'expect'];

/** Who the caller is to the provider is decided by the bridge alone. */
const CREDENTIALS = ['authorization', 'x-api-key', 'api-key', 'x-auth-token', 'cookie'];

/** What the organisation's network looks like is none of the provider's business. */
const NETWORK_IDENTITY = [
  'forwarded',
  'via',
  'x-real-ip',
  'x-client-ip',
  'true-client-ip',
  'x-cluster-client-ip',
];
const NETWORK_IDENTITY_PREFIXES = ['x-forwarded-', 'cf-'];

/** What the bridge alone says, such as who calls. */
const OWN_PREFIXES = ['x-ai-bridge-', 'x-aibridge-'];
const BLOCKED_PREFIXES = [...NETWORK_IDENTITY_PREFIXES, ...OWN_PREFIXES];

const REQUEST_BLOCKED = new Set([...HOP_BY_HOP, ...MANAGED, ...CREDENTIALS, ...NETWORK_IDENTITY]);

/** Besides hop-by-hop: cookies, credentials, and offers to go round the bridge. */
const ANSWER_BLOCKED = new Set([
  ...HOP_BY_HOP,
  'set-cookie',
  'set-cookie2',
  'authorization',
  'x-api-key',
  'api-key',
  'x-auth-token',
  'www-authenticate',
  'alt-svc',
]);
const ANSWER_BLOCKED_PREFIX = 'x-aibridge-';

/** The caller's headers that go on to the provider, in their order and spelling. */
export function forwardedRequestHeaders(
  raw: RawHeaders,
  identityHeaders: ReadonlySet<string>,
): string[] {
  const named = namedByConnection(raw);
  return filterHeaders(
    raw,
    (name) =>
      !REQUEST_BLOCKED.has(name) &&
      !identityHeaders.has(name) &&
      !named.has(name) &&
      !hasBlockedPrefix(name),
  );
}

/** Servers that hand headers on as variables, as CGI does, tell no underscore from a hyphen. */
function hasBlockedPrefix(name: string): boolean {
  const hyphened = name.includes('_') ? name.replaceAll('_', '-') : name;
  return BLOCKED_PREFIXES.some((prefix) => hyphened.startsWith(prefix));
}

/**
 * The provider's headers that go back to the caller. A key of the pool never does,
 * whatever header it stands in.
 */
export function relayedAnswerHeaders(raw: RawHeaders, poolKey: Secret | undefined): string[] {
  const named = namedByConnection(raw);
  const namesKey = (value: string): boolean =>
    poolKey?.parts.some((part) => value.includes(part.reveal())) === true;
  return filterHeaders(
    raw,
    (name, value) =>
      !ANSWER_BLOCKED.has(name) &&
      !named.has(name) &&
      !name.startsWith(ANSWER_BLOCKED_PREFIX) &&
      !namesKey(value),
  );
}

/** The values of a header, joined as if it had been sent once. */
export function headerValue(raw: RawHeaders, wanted: string): string | undefined {
  const values: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const value = raw[index + 1];
    if (raw[index]?.toLowerCase() === wanted && value !== undefined) values.push(value);
  }
  return values.length === 0 ? undefined : values.join(', ');
}

export function withoutHeader(raw: RawHeaders, unwanted: string): string[] {
  return filterHeaders(raw, (name) => name !== unwanted);
}

function filterHeaders(raw: RawHeaders, keep: (name: string, value: string) => boolean): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const [name, value] = [raw[index] ?? '', raw[index + 1] ?? ''];
    if (keep(name.toLowerCase(), value)) kept.push(name, value);
  }
  return kept;
}

function namedByConnection(raw: RawHeaders): ReadonlySet<string> {
  const value = headerValue(raw, 'connection');
  return new Set(value?.split(',').map((name) => name.trim().toLowerCase()));
}
