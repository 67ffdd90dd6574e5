import { BridgeError } from '../core/errors.ts';
import type { PoolExhausted } from '../keypool/index.ts';

/**
 * What a caller is told when no key is left. Rejected keys are a 502 and not a
 * 401: the organisation's credentials are bad, not the caller's.
 */
export function exhaustionError({ kind, retryAfterMs }: PoolExhausted): BridgeError {
  if (kind === 'permanent') {
    return new BridgeError('keys_rejected', {
      public: 'all configured keys failed authentication',
    });
  }
  return new BridgeError('keys_rate_limited', {
    public: 'all configured keys are rate-limited',
    ...(retryAfterMs > 0 && { retryAfterMs }),
  });
}

/** The value of `Retry-After`: whole seconds, never too early. Undefined: leave the header out. */
export function retryAfterSeconds(retryAfterMs: number | undefined): string | undefined {
  if (retryAfterMs === undefined || retryAfterMs <= 0) return undefined;
  return String(Math.ceil(retryAfterMs / 1_000));
}
