import type { KeyTransition } from '../../src/keypool/key/key-transition.ts';
import type { KeyVerdict } from '../../src/keypool/key/key-verdict.ts';
import { KeyPool, type KeyPoolSettings } from '../../src/keypool/pool/key-pool.ts';
import { PoolExhausted } from '../../src/keypool/pool/walker.ts';
import { Secret } from '../../src/core/secret.ts';
import { FakeClock } from './fake-clock.ts';

const UNAUTHORIZED: KeyVerdict = { kind: 'reject', reason: 'unauthorized', scope: 'key' };

export function aPool({
  keys = 2,
  ...settings
}: { keys?: number } & Partial<KeyPoolSettings> = {}) {
  const clock = new FakeClock();
  const transitions: KeyTransition[] = [];
  const pool = new KeyPool(
    Array.from({ length: keys }, (_, index) => named(index)),
    {
      provider: 'anthropic',
      clock,
      cooldownDefaultMs: 60_000,
      cooldownMaxMs: 3_600_000,
      onTransition: (transition) => transitions.push(transition),
      ...settings,
    },
  );
  const key = (index: number) => {
    const found = pool.keys[index];
    if (!found) throw new Error(`no key ${index}`);
    return found;
  };
  return {
    clock,
    pool,
    transitions,
    key,
    cool: (index: number, seconds: number) =>
      pool.mark(key(index), rateLimited(seconds * 1_000), { status: 429 }),
    reject: (index: number) => pool.mark(key(index), UNAUTHORIZED, { status: 401 }),
  };
}

export const named = (index: number) => new Secret(`test-key-number-${index}`);

export function rateLimited(forMs: number, scope: 'key' | 'model' = 'key'): KeyVerdict {
  return { kind: 'cool', reason: 'rate_limited', forMs, scope };
}

/** Everything a walk gives, as positions, and how it ends. */
export function walked(pool: KeyPool, model?: string) {
  const walker = pool.walk(model);
  const keys: number[] = [];
  for (;;) {
    const step = walker.next();
    if (step instanceof PoolExhausted) return { keys, kind: step.kind, afterMs: step.retryAfterMs };
    keys.push(pool.keys.indexOf(step));
  }
}

export const kinds = (pool: KeyPool) => pool.snapshot().map(({ state }) => state.kind);
