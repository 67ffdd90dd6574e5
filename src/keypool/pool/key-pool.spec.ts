import { describe, expect, it } from 'vitest';
import { aPool, kinds, named, rateLimited, walked } from '../../../test/support/a-pool.ts';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { Secret } from '../../core/secret.ts';
import type { KeyVerdict } from '../key/key-verdict.ts';
import { KeyListError } from './key-list.ts';
import { KeyPool } from './key-pool.ts';
import { PoolExhausted } from './walker.ts';

const QUOTA: KeyVerdict = { kind: 'cool', reason: 'quota_exhausted', forMs: 0, scope: 'key' };

describe('making a pool', () => {
  const settings = {
    provider: 'openai',
    clock: new FakeClock(),
    cooldownDefaultMs: 60_000,
    cooldownMaxMs: 3_600_000,
  };

  // A key file is edited by hand; what it got wrong is said without showing a key.
  it.each([
    { id: 'A17 empty', values: [], message: 'a key pool needs at least one key' },
    {
      id: 'A17 duplicate',
      values: ['sk-secret-1', 'other', 'sk-secret-1'],
      message: 'key 3 (sk...-1) repeats key 1',
    },
    {
      id: 'blank',
      values: ['ok', ' '],
      message: 'key 2 is blank or has spaces or control characters',
    },
    {
      id: 'control character',
      values: ['sk-secret\n'],
      message: 'key 1 is blank or has spaces or control characters',
    },
  ])('$id is refused with a message that shows no key', ({ values, message }) => {
    const secrets = values.map((value) => new Secret(value));
    expect(() => new KeyPool(secrets, settings)).toThrow(new KeyListError(message));
  });
});

describe('marking', () => {
  it('reports the change with all that logs, metrics and the audit need', () => {
    const { key, clock, cool, transitions } = aPool();
    const atMs = clock.nowMs();
    const returned = cool(0, 5);
    const cooldown = {
      reason: 'rate_limited',
      status: 429,
      sinceMs: atMs,
      untilMs: atMs + 5_000,
      isGuess: false,
    };
    expect(returned).toEqual({
      provider: 'anthropic',
      fingerprint: key(0).fingerprint,
      hint: 'te...-0',
      scope: null,
      from: { kind: 'valid' },
      to: { kind: 'temporary', remainingMs: 5_000, ...cooldown },
      isStateChange: true,
      reason: 'rate_limited',
      status: 429,
      cooldownMs: 5_000,
      atMs,
      actor: null,
      origin: 'local',
      record: {
        provider: 'anthropic',
        fingerprint: key(0).fingerprint,
        hint: 'te...-0',
        scope: null,
        resetAtMs: 0,
        cooldown,
        rejection: null,
      },
    });
    expect(transitions).toEqual([returned]);
  });

  it('K-10, K-11 reports each change of state once', () => {
    const { cool, reject, transitions } = aPool();
    expect(cool(0, 60)).toMatchObject({ isStateChange: true });
    expect(cool(0, 10)).toBeUndefined();
    expect(reject(0)).toMatchObject({ isStateChange: true, reason: 'unauthorized' });
    expect(reject(0)).toBeUndefined();
    expect(cool(0, 6_000)).toBeUndefined();
    expect(transitions).toHaveLength(2);
  });

  it('reports a longer cooldown to be shared, but not as a change of state', () => {
    const { cool } = aPool();
    cool(0, 10);
    expect(cool(0, 60)).toMatchObject({ isStateChange: false, cooldownMs: 60_000 });
  });

  it('a healthy verdict changes nothing', () => {
    const { pool, key, transitions } = aPool();
    expect(pool.mark(key(0), { kind: 'healthy' }, { status: 200 })).toBeUndefined();
    expect(transitions).toEqual([]);
  });

  it.each([
    ['X2 caps what upstream names', rateLimited(100_000_000), 3_600_000],
    ['takes the default where upstream names nothing', rateLimited(0), 60_000],
    ['does not cap a used-up quota, which upstream did not name', QUOTA, 900_000],
  ] as const)('%s', (_, verdict, cooldownMs) => {
    const { pool, key } = aPool();
    expect(pool.mark(key(0), verdict, { status: 429 })).toMatchObject({ cooldownMs });
  });

  it('keeps a used-up quota out for 15 minutes even where the cap is shorter', () => {
    const { pool, key } = aPool({ cooldownMaxMs: 1_000 });
    expect(pool.mark(key(0), QUOTA, { status: 402 })).toMatchObject({ cooldownMs: 900_000 });
  });

  // A caller must not be able to sideline a key for everybody by asking for a model it may not use.
  it('X1 sidelines a key for one model only', () => {
    const { pool, key } = aPool({ keys: 2 });
    const forbidden: KeyVerdict = { kind: 'reject', reason: 'forbidden', scope: 'model' };
    const transition = pool.mark(key(0), forbidden, { status: 403, model: 'opus' });
    expect(transition).toMatchObject({ scope: 'opus', to: { kind: 'permanent' } });
    expect(walked(pool, 'opus').keys).toEqual([1]);
    expect(walked(pool, 'haiku').keys).toEqual([0, 1]);
    expect(walked(pool).keys).toEqual([0, 1]);
    expect(kinds(pool)).toEqual(['valid', 'valid']);
    expect(pool.snapshot()[0]?.models).toMatchObject([{ model: 'opus' }]);
  });

  it('cools a key down for the model that was asked, or for everything where none was', () => {
    const { pool, key } = aPool({ keys: 2 });
    const limited = rateLimited(5_000, 'model');
    pool.mark(key(0), limited, { status: 429, model: 'opus' });
    expect(walked(pool, 'opus')).toEqual({ keys: [1], kind: 'transient', afterMs: 0 });
    pool.mark(key(1), limited, { status: 429, model: 'opus' });
    expect(walked(pool, 'opus')).toEqual({ keys: [], kind: 'transient', afterMs: 5_000 });
    expect(walked(pool, 'haiku').keys).toEqual([0, 1]);
    expect(walked(pool).keys).toEqual([0, 1]);

    pool.mark(key(0), limited, { status: 429, model: '' });
    expect(walked(pool, 'haiku').keys).toEqual([1]);
    expect(kinds(pool)).toEqual(['temporary', 'valid']);
  });

  it('forgets models that a key has cooled down for before those that it is still sidelined for', () => {
    const { pool, key, clock } = aPool({ keys: 1 });
    const forbidden: KeyVerdict = { kind: 'reject', reason: 'forbidden', scope: 'model' };
    pool.mark(key(0), forbidden, { status: 403, model: 'opus' });
    for (let model = 0; model < 200; model++) {
      pool.mark(key(0), rateLimited(1, 'model'), { status: 429, model: `model-${model}` });
      clock.advanceMs(1);
    }
    expect(pool.snapshot()[0]?.models).toMatchObject([{ model: 'opus' }]);
  });

  it('remembers a bounded number of models per key, however many a caller invents', () => {
    const { pool, key, transitions } = aPool({ keys: 1 });
    const forbidden: KeyVerdict = { kind: 'reject', reason: 'forbidden', scope: 'model' };
    for (let model = 0; model < 1_000; model++) {
      pool.mark(key(0), forbidden, { status: 403, model: `${'x'.repeat(100)}${model}` });
    }
    const models = pool.snapshot()[0]?.models ?? [];
    expect(models.length).toBeLessThanOrEqual(65);
    expect(models.at(-1)?.model).toBe(`${'x'.repeat(100)}999`);
    // Those that were forgotten are no news: each transition is a model that was sidelined.
    expect(transitions.map(({ to }) => to.kind)).toEqual(Array(1_000).fill('permanent'));
  });

  it('never shows a key in a transition or a snapshot', () => {
    const { pool, reject } = aPool();
    const shown = JSON.stringify([reject(0), pool.snapshot(), pool.keys]);
    expect(shown).not.toContain('test-key-number');
  });
});

describe('replacing the keys', () => {
  it('keeps the state of unchanged keys and takes the new order', () => {
    const { pool, cool, reject } = aPool({ keys: 3 });
    cool(0, 60);
    reject(2);
    pool.replaceKeys([named(2), new Secret('a-brand-new-key'), named(0)]);
    expect(kinds(pool)).toEqual(['permanent', 'valid', 'temporary']);
    expect(walked(pool).keys).toEqual([1]);
  });

  it('lets a walk that is under way finish with its keys, and heeds what it learns', () => {
    const { pool, key, reject } = aPool({ keys: 3 });
    const [first, second, third] = [key(0), key(1), key(2)];
    const walker = pool.walk();
    expect(walker.next()).toBe(first);
    pool.replaceKeys([third.secret, first.secret]);
    reject(0);
    expect(walker.next()).toBe(second);
    expect(walker.next()).toEqual(new PoolExhausted('transient', 0));
    expect(kinds(pool)).toEqual(['permanent', 'valid']);
  });

  it('refuses a bad list and keeps the keys it has', () => {
    const { pool } = aPool({ keys: 2 });
    expect(() => pool.replaceKeys([])).toThrow(KeyListError);
    expect(walked(pool).keys).toEqual([0, 1]);
  });
});
