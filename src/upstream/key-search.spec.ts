import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { aPool } from '../../test/support/a-pool.ts';
import { PoolExhausted } from '../keypool/index.ts';
import { KeyPatience, WaitingRoom } from './key-patience.ts';
import { KeySearch } from './key-search.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function aScene({ keys = 1, waitMsMax = 10_000 } = {}) {
  const scene = aPool({ keys });
  const room = new WaitingRoom({ waitMsMax, clock: scene.clock, random: () => 0.5 });
  return {
    ...scene,
    /** A call that looks for its first key. */
    search: (caller = new AbortController()) => {
      const patience = new KeyPatience(room, caller.signal);
      const search = new KeySearch(scene.pool, '', patience);
      let found: string | undefined;
      const next = search.next().then((key) => {
        found =
          key instanceof PoolExhausted ? 'refused' : `key ${scene.pool.keys.indexOf(key.key)}`;
        return key;
      });
      return { caller, patience, search, next, found: () => found };
    },
    pass: async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 10) {
        scene.clock.advanceMs(10);
        await vi.advanceTimersByTimeAsync(10);
      }
    },
  };
}

describe('a call for which every key is sidelined', () => {
  it('waits for the one that is back first, and a moment more', async () => {
    const { cool, search, pass } = aScene({ keys: 2 });
    cool(0, 9);
    cool(1, 3);
    const { found, patience } = search();
    await pass(3_000);
    expect(found()).toBeUndefined();
    await pass(250);
    expect(found()).toBe('key 1');
    expect(patience.waitedMs).toBeGreaterThanOrEqual(3_000);
    expect(patience.waitedMs).toBeLessThanOrEqual(3_250);
  });

  it.each([
    ['waiting is off', { waitMsMax: 0 }, 1],
    ['that is later than it may wait', { waitMsMax: 2_999 }, 3],
  ])('is refused at once where %s', async (_, options, seconds) => {
    const { cool, search, pass } = aScene(options);
    cool(0, seconds);
    const { found, patience } = search();
    await pass(10);
    expect([found(), patience.waitedMs]).toEqual(['refused', 0]);
  });

  it('is refused at once when all keys are rejected', async () => {
    const { reject, search, pass } = aScene();
    reject(0);
    const { found } = search();
    await pass(10);
    expect(found()).toBe('refused');
  });

  it('takes a key that is reset meanwhile', async () => {
    const { cool, pool, key, search, pass } = aScene();
    cool(0, 9);
    const { found } = search();
    await pass(500);
    pool.reset(key(0).fingerprint, 'operator_reset');
    await pass(1_000);
    expect(found()).toBe('key 0');
  });

  it('is refused when it has become longer than it may wait', async () => {
    const { cool, search, pass } = aScene({ waitMsMax: 5_000 });
    cool(0, 4);
    const { found } = search();
    await pass(2_000);
    cool(0, 60);
    await pass(1_000);
    expect(found()).toBe('refused');
  });

  it('waits no longer than it may altogether, however often', async () => {
    const { cool, search, pass, clock } = aScene({ waitMsMax: 5_000 });
    cool(0, 3);
    const { search: one, found, patience } = search();
    await pass(3_250);
    expect(found()).toBe('key 0');
    cool(0, 3);
    const before = clock.monotonicMs();
    expect(await one.next()).toBeInstanceOf(PoolExhausted);
    expect([clock.monotonicMs() - before, patience.waitedMs < 5_000]).toEqual([0, true]);
  });

  it('is let go when its caller is', async () => {
    const { cool, search, pass } = aScene();
    cool(0, 9);
    const { found, caller } = search();
    await pass(500);
    caller.abort();
    await pass(10);
    expect(found()).toBe('refused');
  });

  it('finds out about a guess while it waits', async () => {
    const { cool, search, pass, clock } = aScene({ waitMsMax: 60_000 });
    cool(0, 0);
    clock.advanceMs(1_000);
    const { found } = search();
    await pass(3_900);
    expect(found()).toBeUndefined();
    await pass(1_100);
    expect(found()).toBe('key 0');
  });
});

it('so many wait at a time, and others are refused at once', async () => {
  const { cool, search, pass } = aScene();
  cool(0, 5);
  const calls = Array.from({ length: 70 }, () => search());
  await pass(10);
  expect(calls.filter(({ found }) => found() === 'refused')).toHaveLength(6);
  await pass(5_300);
  expect(calls.filter(({ found }) => found() === 'key 0')).toHaveLength(64);
});
