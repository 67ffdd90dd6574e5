import { describe, expect, it } from 'vitest';
import { parseTimestampMs } from '../../core/header-time.ts';
import { readCooldownMs, readRetryAfterMs } from './cooldown.ts';

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

  // Ours may be hours behind: five seconds must not become the longest cooldown there is.
  it.each([
    ['retry-after', 'Thu, 01 Jan 2026 12:00:05 GMT'],
    ['limit-reset', '2026-01-01T12:00:05Z'],
  ])('counts to the moment in %s by the clock of who names it', (name, moment) => {
    const given = new Map([
      [name, moment],
      ['limit-remaining', '0'],
      ['date', 'Thu, 01 Jan 2026 12:00:00 GMT'],
    ]);
    const reader = { get: (header: string) => given.get(header) };
    const limit = {
      remaining: 'limit-remaining',
      reset: 'limit-reset',
      readReset: parseTimestampMs,
    };
    for (const aheadMs of [-6 * 3_600_000, 0, 3_600_000]) {
      expect(readCooldownMs(reader, [limit], NOW_MS + aheadMs)).toBe(5_000);
    }
  });
});
