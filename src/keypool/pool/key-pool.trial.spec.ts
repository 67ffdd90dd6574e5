import { describe, expect, it } from 'vitest';
import { aPool, rateLimited, walked } from '../../../test/support/a-pool.ts';
import type { KeyPool } from './key-pool.ts';
import { PoolExhausted } from './walker.ts';

const HELD_S = 5;

/** What the next call may find out, at the end of its walk. */
function trial(pool: KeyPool, model = '') {
  const walker = pool.walk(model);
  for (;;) {
    const step = walker.next();
    if (step instanceof PoolExhausted) return pool.trial(step, model);
  }
}

describe('a cooldown that nobody has named', () => {
  it('is found out about by one call at a time, once it has held for a while', () => {
    const { pool, key, cool, clock } = aPool({ keys: 1 });
    cool(0, 0);
    clock.advanceMs(HELD_S * 1_000 - 1);
    expect(trial(pool)).toBeUndefined();
    clock.advanceMs(1);
    const first = trial(pool);
    expect(first?.key).toBe(key(0));
    expect(trial(pool)).toBeUndefined();
    first?.end(false);
    expect(trial(pool)).toBeUndefined();
    clock.advanceMs(HELD_S * 1_000);
    expect(trial(pool)?.key).toBe(key(0));
  });

  it('is over for everybody when the call is served', () => {
    const { pool, cool, clock, transitions } = aPool({ keys: 1 });
    cool(0, 0);
    clock.advanceMs(HELD_S * 1_000);
    trial(pool)?.end(true);
    expect(walked(pool).keys).toEqual([0]);
    expect(transitions.at(-1)).toMatchObject({ to: { kind: 'valid' }, reason: 'trial_passed' });
  });

  it('begins anew when the call meets it again', () => {
    const { pool, cool, clock } = aPool({ keys: 1 });
    cool(0, 0);
    clock.advanceMs(HELD_S * 1_000);
    const met = trial(pool);
    met?.end(false);
    cool(0, 0);
    clock.advanceMs(HELD_S * 1_000 - 1);
    expect(trial(pool)).toBeUndefined();
    clock.advanceMs(1);
    expect(trial(pool)).toBeDefined();
  });

  it('of which the provider speaks while the call is under way is not over', () => {
    const { pool, cool, clock } = aPool({ keys: 1 });
    cool(0, 0);
    clock.advanceMs(HELD_S * 1_000);
    const first = trial(pool);
    cool(0, 600);
    first?.end(true);
    expect(walked(pool)).toMatchObject({ keys: [], afterMs: 600_000 });
  });

  it('is that of the key that is back first', () => {
    const { pool, key, cool, clock } = aPool({ keys: 3 });
    cool(2, 0);
    clock.advanceMs(1_000);
    cool(0, 0);
    cool(1, 300);
    clock.advanceMs(HELD_S * 1_000);
    expect(trial(pool)?.key).toBe(key(2));
    // One call at a time, not one for each key.
    expect(trial(pool)).toBeUndefined();
  });

  it('for one model is found out about by calls for it', () => {
    const { pool, key, clock } = aPool({ keys: 1 });
    pool.mark(key(0), rateLimited(0, 'model'), { status: 429, model: 'opus' });
    clock.advanceMs(HELD_S * 1_000);
    expect(walked(pool, 'haiku').keys).toEqual([0]);
    const first = trial(pool, 'opus');
    first?.end(true);
    expect(walked(pool, 'opus').keys).toEqual([0]);
  });
});

it.each<[string, (pool: ReturnType<typeof aPool>) => void]>([
  ['a key serves', ({ cool }) => cool(0, 0)],
  ['the provider has named when the first is back', (pool) => [pool.cool(0, 20), pool.cool(1, 0)]],
  [
    'the quota of the first that is back is used up',
    ({ pool, key, reject }) => {
      reject(1);
      const verdict = { kind: 'cool', reason: 'quota_exhausted', forMs: 1, scope: 'key' } as const;
      pool.mark(key(0), verdict, { status: 402 });
    },
  ],
  ['all are rejected', ({ reject }) => [reject(0), reject(1)]],
])('nothing is found out while %s', (_, given) => {
  const scene = aPool({ keys: 2 });
  given(scene);
  scene.clock.advanceMs(2 * HELD_S * 1_000);
  expect(trial(scene.pool)).toBeUndefined();
});
