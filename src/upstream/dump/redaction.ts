import { maskSecret } from '../../core/secret.ts';

/**
 * What a header of this name holds opens something, whoever thought of the name: keys,
 * tokens, cookies, challenges and what answers them.
 */
const CREDENTIAL =
  /(^|[-_])(authorization|authenticate|authentication-info|api-?key|token|secret|password|signature|credentials?|cookie2?)$/;

/** Who asks, and from where. */
const IDENTITY = new Set([
  'forwarded',
  'x-real-ip',
  'x-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'x-cluster-client-ip',
]);
const IDENTITY_PREFIXES = ['x-forwarded-', 'x-ai-bridge-', 'x-aibridge-'];

const SECRET_IN_QUERY =
  /(^|[-_.])(key|apikey|token|sig|signature|secret|password|credentials?|authorization)$|^x-(amz|goog)-/i;

/** Names and values in turn, as they came, with the values masked that are nobody's business. */
export function redactedHeaders(raw: readonly string[]): string[] {
  return raw.map((text, index) => {
    const name = raw[index - 1];
    return index % 2 === 1 && name !== undefined && isSecret(name.toLowerCase())
      ? maskSecret(text)
      : text;
  });
}

/** Path and query; what is no secret stays byte for byte. */
export function redactedTarget(target: string): string {
  const at = target.indexOf('?');
  if (at === -1) return target;
  const pairs = target.slice(at + 1).split('&');
  return `${target.slice(0, at)}?${pairs.map(redactedPair).join('&')}`;
}

function isSecret(name: string): boolean {
  return (
    CREDENTIAL.test(name) ||
    IDENTITY.has(name) ||
    IDENTITY_PREFIXES.some((prefix) => name.startsWith(prefix))
  );
}

function redactedPair(pair: string): string {
  const at = pair.indexOf('=');
  if (at === -1 || !SECRET_IN_QUERY.test(decoded(pair.slice(0, at)))) return pair;
  return pair.slice(0, at + 1) + encodeURIComponent(maskSecret(decoded(pair.slice(at + 1))));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
