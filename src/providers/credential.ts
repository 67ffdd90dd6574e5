import { Secret } from '../core/secret.ts';

export type AuthScheme = 'x-api-key' | 'bearer';

/** A caller's own credential and how it came, which is how it goes on. */
export interface CallerCredential {
  readonly secret: Secret;
  readonly scheme: AuthScheme;
}

interface SchemeReader {
  readonly header: string;
  readonly read: (value: string) => string | undefined;
}

const READERS: Readonly<Record<AuthScheme, SchemeReader>> = {
  'x-api-key': { header: 'x-api-key', read: (value) => value.trim() },
  bearer: { header: 'authorization', read: bearerToken },
};

/**
 * Who pays. A credential found here makes the request BYOK, on bridged and
 * passthrough routes alike; undefined leaves it to the pool. The placeholder that
 * clients are given where they insist on a key is no credential, and an
 * `Authorization` of another scheme is none either. Of a header that is there more
 * than once every value counts: a placeholder hides no credential that follows it.
 */
export function readCallerCredential(
  valuesOf: (header: string) => readonly string[],
  schemes: readonly AuthScheme[],
  placeholderKey: string,
): CallerCredential | undefined {
  for (const scheme of schemes) {
    const { header, read } = READERS[scheme];
    const own = valuesOf(header)
      .map(read)
      .find((value) => value && value !== placeholderKey);
    if (own) return { secret: new Secret(own), scheme };
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
