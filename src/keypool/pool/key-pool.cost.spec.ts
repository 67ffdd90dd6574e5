import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { Secret } from '../../core/secret.ts';
import { KeyPool } from './key-pool.ts';
import type { KeyVerdict } from '../key/key-verdict.ts';
import { PoolKey } from '../key/pool-key.ts';
import { PoolExhausted } from './walker.ts';

function aBigPool() {
  const clock = new FakeClock();
  const secrets = Array.from({ length: 1_000 }, (_, at) => new Secret(`secret-${at}`));
  const pool = new KeyPool(secrets, {
    provider: 'openai',
    clock,
    cooldownDefaultMs: 60_000,
    cooldownMaxMs: 3_600_000,
  });
  const sideline = (from: number, to: number, forMs: number) => {
    for (const key of pool.keys.slice(from, to)) pool.mark(key, cooled(forMs), { status: 429 });
  };
  return { pool, clock, sideline };
}

function cooled(forMs: number): KeyVerdict {
  return { kind: 'cool', reason: 'rate_limited', forMs, scope: 'key' };
}

/** `stateFor` is the only way to learn whether a key is usable, so its calls are the keys looked at. */
function keysLookedAt(action: () => void): number {
  const looks = vi.spyOn(PoolKey.prototype, 'stateFor').mockClear();
  action();
  return looks.mock.calls.length;
}

describe('what a request costs in a pool of 1,000 keys', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('looks at one key when the first is healthy', () => {
    const { pool } = aBigPool();
    expect(keysLookedAt(() => pool.walk().next())).toBe(1);
  });

  it('looks at one key when the 999 before it are sidelined', () => {
    const { pool, sideline } = aBigPool();
    sideline(0, 999, 60_000);
    expect(keysLookedAt(() => pool.walk().next())).toBe(1);
  });

  it('looks at each key that it tries, once to choose it and once to mark it', () => {
    const { pool } = aBigPool();
    const tries = 40;
    const walker = pool.walk();
    const looks = keysLookedAt(() => {
      for (let count = 0; count < tries; count++) {
        const key = walker.next();
        if (key instanceof PoolExhausted) throw new Error('the pool is exhausted');
        pool.mark(key, cooled(5_000), { status: 429 });
      }
    });
    expect(looks).toBe(2 * tries);
  });

  it('looks at every key once when it is exhausted', () => {
    const { pool, sideline } = aBigPool();
    sideline(0, 1_000, 60_000);
    expect(keysLookedAt(() => pool.walk().next())).toBe(1_000);
  });

  it('pays for a recovery once, not in every request', () => {
    const { pool, clock, sideline } = aBigPool();
    sideline(0, 10, 5_000);
    clock.advanceMs(5_000);
    expect(keysLookedAt(() => pool.walk().next())).toBe(11);
    expect(keysLookedAt(() => pool.walk().next())).toBe(1);
  });
});
