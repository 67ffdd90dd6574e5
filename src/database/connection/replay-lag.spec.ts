import { beforeEach, expect, test } from 'vitest';
import { ReplayLag } from './replay-lag.ts';

let lag: ReplayLag;

beforeEach(() => {
  lag = new ReplayLag();
});

test('nothing is said before a standby has come to what the primary is known to have', () => {
  expect(lag.behindMs(0)).toBeUndefined();
  lag.replayed(5n);
  lag.written(10n, 1_000);
  lag.replayed(9n);
  expect(lag.behindMs(1_000)).toBeUndefined();
  lag.replayed(10n);
  expect(lag.behindMs(1_500)).toBe(500);
});

test('a standby shows what the primary had when it was last at that position', () => {
  lag.written(10n, 1_000);
  lag.written(20n, 2_000);
  lag.written(30n, 3_000);
  lag.replayed(25n);
  expect(lag.behindMs(3_000)).toBe(1_000);
  lag.replayed(30n);
  expect(lag.behindMs(3_000)).toBe(0);
});

test('a primary that writes nothing leaves no standby behind', () => {
  lag.written(10n, 1_000);
  lag.replayed(10n);
  for (let ms = 2_000; ms <= 60_000; ms += 1_000) {
    lag.written(10n, ms);
    lag.replayed(10n);
  }
  expect(lag.behindMs(60_500)).toBe(500);
});

test('a standby that hears nothing falls behind, also of a primary that is gone', () => {
  lag.written(10n, 1_000);
  lag.replayed(10n);
  for (let n = 1n; n <= 2_000n; n += 1n) lag.written(10n + n, 1_000 + Number(n) * 1_000);
  lag.replayed(10n);
  expect(lag.behindMs(2_001_000)).toBe(2_000_000);
});

test('nothing of another primary is counted', () => {
  lag.written(1_000n, 1_000);
  lag.replayed(1_000n);
  lag.forget();
  expect(lag.behindMs(1_000)).toBeUndefined();
  lag.written(500n, 2_000);
  lag.replayed(500n);
  expect(lag.behindMs(2_000)).toBe(0);
});
