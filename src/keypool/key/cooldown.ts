import { parseDecimal, parseHttpDateMs, readHttpDate } from '../../core/header-time.ts';
import type { RateLimit } from '../../providers/index.ts';

/** Reads one header, whatever the case it came in. `Headers` is one. */
export interface HeaderReader {
  get(name: string): string | null | undefined;
}

/** What an answer may have been under way, and what `Date` leaves out. */
const CLOCKS_APART_MS = 10_000;

/**
 * How long upstream asks to leave a key alone: what it says outright, else the
 * latest refill among the limits that are used up. 0 when it names nothing usable.
 */
export function readCooldownMs(
  headers: HeaderReader,
  limits: readonly RateLimit[],
  nowMs: number,
): number {
  return (
    readRetryAfterMs(headers, nowMs) ||
    readLatestResetMs(headers, limits, providersNowMs(headers, nowMs))
  );
}

/** `retry-after-ms`, else `Retry-After`; an unusable first one falls through to the second. */
export function readRetryAfterMs(headers: HeaderReader, nowMs: number): number {
  const inMs = parseDecimal(headers.get('retry-after-ms') ?? '');
  if (inMs > 0) return Math.ceil(inMs);
  const retryAfter = headers.get('retry-after') ?? '';
  return (
    Math.ceil(parseDecimal(retryAfter) * 1_000) ||
    parseHttpDateMs(retryAfter, providersNowMs(headers, nowMs))
  );
}

/**
 * A moment that the provider names is one of its own clock, which it tells in `Date`, to the second.
 * Ours is finer, and preferred as long as the two agree.
 */
function providersNowMs(headers: HeaderReader, nowMs: number): number {
  const saidMs = readHttpDate(headers.get('date') ?? '');
  return Math.abs(saidMs - nowMs) > CLOCKS_APART_MS ? saidMs : nowMs;
}

function readLatestResetMs(
  headers: HeaderReader,
  limits: readonly RateLimit[],
  nowMs: number,
): number {
  const resets = limits
    .filter(({ remaining }) => isZero(headers.get(remaining)))
    .map(({ reset, readReset }) => readReset(headers.get(reset) ?? '', nowMs));
  return Math.max(0, ...resets);
}

function isZero(value: string | null | undefined): boolean {
  return /^0+(?:\.0+)?$/.test(value?.trim() ?? '');
}
