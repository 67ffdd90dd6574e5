import { describe, expect, it } from 'vitest';
import { aPool, walked } from '../../../test/support/a-pool.ts';
import { PoolExhausted } from './walker.ts';

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
