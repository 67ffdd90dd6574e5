import { Secret } from '../core/secret.ts';
import type { HeaderReader } from '../keypool/index.ts';

export type AuthScheme = 'x-api-key' | 'bearer';

/** A caller's own credential and how it came, which is how it goes on. */
export interface CallerCredential {
  readonly secret: Secret;
  readonly scheme: AuthScheme;
}

const READERS: Readonly<Record<AuthScheme, (headers: HeaderReader) => string | undefined>> = {
  'x-api-key': (headers) => headers.get('x-api-key')?.trim(),
  bearer: (headers) => bearerToken(headers.get('authorization') ?? ''),
};

/**
 * Who pays. A credential found here makes the request BYOK, on bridged and
 * passthrough routes alike; undefined leaves it to the pool. The placeholder that
 * clients are given where they insist on a key is no credential, and an
 * `Authorization` of another scheme is none either.
 */
export function readCallerCredential(
  headers: HeaderReader,
  schemes: readonly AuthScheme[],
  placeholderKey: string,
): CallerCredential | undefined {
  for (const scheme of schemes) {
    const value = READERS[scheme](headers);
    if (value && value !== placeholderKey) return { secret: new Secret(value), scheme };
  }
  return undefined;
}

/** The header that carries a secret upstream. The only place where one becomes a header. */
export function authHeader({ secret, scheme }: CallerCredential): [name: string, value: string] {
  if (scheme === 'x-api-key') return ['x-api-key', secret.reveal()];
  return ['authorization', `Bearer ${secret.reveal()}`];
}

/** P-20: exactly two fields, of which the first is `Bearer` in any case. */
function bearerToken(authorization: string): string | undefined {
  const [scheme, token, ...more] = authorization.trim().split(/\s+/);
  return scheme?.toLowerCase() === 'bearer' && more.length === 0 ? token : undefined;
}
