import { describe, expect, it } from 'vitest';
import { parseDurationMs, parseTimestampMs } from './header-time.ts';

const NOW_MS = Date.UTC(2026, 0, 1, 12, 0, 0);

describe('times in headers', () => {
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
