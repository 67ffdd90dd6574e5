import { describe, expect, it } from 'vitest';
import { parseDurationMs, parseTimestampMs, readCooldownMs, readRetryAfterMs } from './cooldown.ts';

const NOW_MS = Date.UTC(2026, 0, 1, 12, 0, 0);

/** `ms` is retry-after-ms, `s` is Retry-After. Not `Headers`, which would trim the values. */
function headers({ ms, s }: { ms?: string; s?: string }) {
  const values = new Map([
    ['retry-after-ms', ms],
    ['retry-after', s],
  ]);
  return { get: (name: string) => values.get(name) };
}

describe('what upstream names as cooldown', () => {
  it.each([
    { id: 'C1', given: {}, cooldownMs: 0 },
    { id: 'C2', given: { ms: '2500' }, cooldownMs: 2_500 },
    { id: 'C3', given: { ms: ' 1500 ' }, cooldownMs: 1_500 },
    { id: 'C4', given: { ms: '-100' }, cooldownMs: 0 },
    { id: 'C5', given: { s: '60' }, cooldownMs: 60_000 },
    { id: 'C6', given: { s: ' 30 ' }, cooldownMs: 30_000 },
    { id: 'C7', given: { s: '0' }, cooldownMs: 0 },
    { id: 'C8', given: { s: '-5' }, cooldownMs: 0 },
    { id: 'C9', given: { ms: '1500', s: '30' }, cooldownMs: 1_500 },
    { id: 'C10', given: { ms: 'invalid', s: '10' }, cooldownMs: 10_000 },
    { id: 'C11', given: { ms: '0', s: '5' }, cooldownMs: 5_000 },
    { id: 'C12', given: { ms: '0', s: '0' }, cooldownMs: 0 },
    { id: 'decimals', given: { s: '1.5' }, cooldownMs: 1_500 },
    { id: 'decimal milliseconds', given: { ms: '1.2' }, cooldownMs: 2 },
    { id: 'X2 (capped by the pool)', given: { s: '100000' }, cooldownMs: 100_000_000 },
    { id: 'X3', given: { s: 'Thu, 01 Jan 2026 12:00:30 GMT' }, cooldownMs: 30_000 },
    { id: 'X3 (RFC 850)', given: { s: 'Thursday, 01-Jan-26 12:00:30 GMT' }, cooldownMs: 30_000 },
    { id: 'X3 (asctime)', given: { s: 'Thu Jan  1 12:00:30 2026' }, cooldownMs: 30_000 },
    { id: 'X3 (past)', given: { s: 'Thu, 01 Jan 2026 11:00:00 GMT' }, cooldownMs: 0 },
    { id: 'impossible date', given: { s: 'Thu, 45 Foo 2026 12:00:30 GMT' }, cooldownMs: 0 },
    { id: 'a number that is none', given: { s: '1e3' }, cooldownMs: 0 },
    { id: 'hexadecimal', given: { s: '0x10' }, cooldownMs: 0 },
    { id: 'infinite', given: { s: 'Infinity' }, cooldownMs: 0 },
    { id: 'two values', given: { s: '5, 6' }, cooldownMs: 0 },
  ])('$id: $given', ({ given, cooldownMs }) => {
    expect(readRetryAfterMs(headers(given), NOW_MS)).toBe(cooldownMs);
    expect(readCooldownMs(headers(given), [], NOW_MS)).toBe(cooldownMs);
  });

  it.each([
    ['1s', 1_000],
    ['6m0s', 360_000],
    ['1h2m3.5s', 3_723_500],
    ['20ms', 20],
    ['1.2ms', 2],
    ['2m59.56s', 179_560],
    ['1d', 86_400_000],
    [' 1s ', 1_000],
    ['0s', 0],
    ['', 0],
    ['5', 0],
    ['-1s', 0],
    ['1s!', 0],
    ['s', 0],
    ['1 s', 0],
  ])('reads the duration "%s" as %s ms', (value, durationMs) => {
    expect(parseDurationMs(value)).toBe(durationMs);
  });

  it.each([
    ['2026-01-01T12:00:05Z', 5_000],
    ['2026-01-01T12:00:05.250Z', 5_250],
    ['2026-01-01T13:00:05+01:00', 5_000],
    [' 2026-01-01T12:00:05Z ', 5_000],
    ['2026-01-01T11:59:59Z', 0],
    ['2026-13-01T12:00:05Z', 0],
    ['2026-01-01', 0],
    ['5', 0],
    ['', 0],
  ])('reads the timestamp "%s" as %s ms from now', (value, durationMs) => {
    expect(parseTimestampMs(value, NOW_MS)).toBe(durationMs);
  });
});
