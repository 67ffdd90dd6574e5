import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { Secret } from '../../core/secret.ts';
import { KeyListError } from './key-list.ts';
import { KeyPool, type KeyPoolSettings } from './key-pool.ts';
import type { KeyTransition } from '../key/key-transition.ts';
import type { KeyVerdict } from '../key/key-verdict.ts';
import { PoolExhausted } from './walker.ts';

const UNAUTHORIZED: KeyVerdict = { kind: 'reject', reason: 'unauthorized', scope: 'key' };
const QUOTA: KeyVerdict = { kind: 'cool', reason: 'quota_exhausted', forMs: 0 };

function aPool({ keys = 2, ...settings }: { keys?: number } & Partial<KeyPoolSettings> = {}) {
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

const named = (index: number) => new Secret(`test-key-number-${index}`);

function rateLimited(forMs: number): KeyVerdict {
  return { kind: 'cool', reason: 'rate_limited', forMs };
}

/** Everything a walk gives, as positions, and how it ends. */
function walked(pool: KeyPool, model?: string) {
  const walker = pool.walk(model);
  const keys: number[] = [];
  for (;;) {
    const step = walker.next();
    if (step instanceof PoolExhausted) return { keys, kind: step.kind, afterMs: step.retryAfterMs };
    keys.push(pool.keys.indexOf(step));
  }
}

const kinds = (pool: KeyPool) => pool.snapshot().map(({ state }) => state.kind);

describe('the walk over a pool', () => {
  type Step =
    readonly [at: 'cool', key: number, seconds: number] | readonly [at: 'reject', key: number];
  interface Row {
    readonly id: string;
    readonly size: number;
    readonly marks?: readonly Step[];
    readonly laterS?: number;
    readonly keys: readonly number[];
    readonly kind?: 'transient' | 'permanent';
    readonly afterS?: number;
  }
  const rows: readonly Row[] = [
    { id: 'A1', size: 3, keys: [0, 1, 2] },
    { id: 'A2', size: 3, marks: [['cool', 0, 60]], keys: [1, 2] },
    {
      id: 'A3',
      size: 3,
      marks: [
        ['reject', 0],
        ['reject', 1],
      ],
      keys: [2],
    },
    { id: 'A4', size: 2, marks: [['cool', 0, 30]], laterS: 35, keys: [0, 1] },
    { id: 'A5', size: 2, marks: [['cool', 0, 0]], laterS: 50, keys: [1] },
    { id: 'A6', size: 2, marks: [['cool', 0, 0]], laterS: 65, keys: [0, 1] },
    { id: 'A7', size: 2, marks: [['cool', 0, -10]], laterS: 65, keys: [0, 1] },
    {
      id: 'A8',
      size: 1,
      marks: [
        ['cool', 0, 60],
        ['cool', 0, 10],
      ],
      laterS: 15,
      keys: [],
      afterS: 45,
    },
    {
      id: 'A9',
      size: 1,
      marks: [
        ['cool', 0, 60],
        ['cool', 0, 10],
      ],
      laterS: 65,
      keys: [0],
    },
    {
      id: 'A10',
      size: 3,
      marks: [
        ['cool', 0, 60],
        ['cool', 1, 10],
        ['cool', 2, 30],
      ],
      keys: [],
      afterS: 10,
    },
    {
      id: 'A11',
      size: 2,
      marks: [
        ['cool', 0, 60],
        ['cool', 1, 60],
      ],
      keys: [],
      afterS: 60,
    },
    {
      id: 'A12',
      size: 2,
      marks: [
        ['reject', 0],
        ['reject', 1],
      ],
      keys: [],
      kind: 'permanent',
    },
    {
      id: 'A13',
      size: 3,
      marks: [
        ['reject', 0],
        ['cool', 1, 60],
        ['reject', 2],
      ],
      keys: [],
      afterS: 60,
    },
  ];

  it.each(rows)('$id yields keys $keys and ends as the table says', (row) => {
    const { pool, clock, cool, reject } = aPool({ keys: row.size });
    for (const mark of row.marks ?? []) {
      if (mark[0] === 'cool') cool(mark[1], mark[2]);
      else reject(mark[1]);
    }
    clock.advanceMs((row.laterS ?? 0) * 1_000);
    expect(walked(pool)).toEqual({
      keys: row.keys,
      kind: row.kind ?? 'transient',
      afterMs: (row.afterS ?? 0) * 1_000,
    });
  });

  it('A14 keeps the longer of many cooldowns, whatever their order', () => {
    const { key, clock, cool } = aPool({ keys: 1 });
    for (let mark = 0; mark < 10; mark++) cool(0, mark % 2 === 0 ? 60 : 10);
    clock.advanceMs(50_000);
    expect(key(0).stateFor()).toMatchObject({ kind: 'temporary', remainingMs: 10_000 });
    clock.advanceMs(15_000);
    expect(key(0).stateFor()).toEqual({ kind: 'valid' });
  });

  it('A15 keeps a rejected key rejected, whatever cooldowns surround the rejection', () => {
    const { key, clock, cool, reject } = aPool({ keys: 1 });
    for (let mark = 0; mark < 10; mark++) {
      if (mark % 2 === 0) cool(0, 60);
      else reject(0);
    }
    clock.advanceMs(7 * 86_400_000);
    expect(key(0).stateFor()).toMatchObject({ kind: 'permanent', reason: 'unauthorized' });
  });

  it('A16 ends as transient when every key was handed out and none was marked', () => {
    expect(walked(aPool({ keys: 2 }).pool)).toMatchObject({ kind: 'transient', afterMs: 0 });
  });

  it('goes forward only: a key that recovers behind it is left to the next walk', () => {
    const { pool, clock, key, cool } = aPool({ keys: 2 });
    cool(0, 5);
    const walker = pool.walk();
    expect(walker.next()).toBe(key(1));
    clock.advanceMs(5_000);
    expect(walker.next()).toEqual(new PoolExhausted('transient', 0));
    expect(pool.walk().next()).toBe(key(0));
  });

  it('judges a key when it is reached, not when the walk starts', () => {
    const { pool, clock, key, cool, reject } = aPool({ keys: 3 });
    cool(1, 5);
    const walker = pool.walk();
    walker.next();
    clock.advanceMs(5_000);
    reject(2);
    expect(walker.next()).toBe(key(1));
    expect(walker.next()).toBeInstanceOf(PoolExhausted);
  });

  it('reserves nothing: concurrent walks get the same key', () => {
    const { pool, key } = aPool();
    expect([pool.walk().next(), pool.walk().next()]).toEqual([key(0), key(0)]);
  });
});

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
      shared: {
        fingerprint: key(0).fingerprint,
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
