import { BridgeError } from '../core/errors.ts';
import type { PoolExhausted } from '../keypool/index.ts';
import type { RefusedCall } from './breaker/breakers.ts';

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

/** What a caller is told while the circuit breaker is open. */
export function breakerError({ refusesForMs }: RefusedCall): BridgeError {
  return new BridgeError('breaker_open', {
    public: 'circuit breaker is open',
    ...(refusesForMs > 0 && { retryAfterMs: refusesForMs }),
  });
}

/** The value of `Retry-After`: whole seconds, never too early. Undefined: leave the header out. */
export function retryAfterSeconds(retryAfterMs: number | undefined): string | undefined {
  if (retryAfterMs === undefined || retryAfterMs <= 0) return undefined;
  return String(Math.ceil(retryAfterMs / 1_000));
}
