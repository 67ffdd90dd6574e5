/** Reads one header, whatever the case it came in. `Headers` is one. */
export interface HeaderReader {
  get(name: string): string | null | undefined;
}

/** One of the limits a provider reports with its replies: what is left of it, and when it refills. */
export interface RateLimit {
  readonly remaining: string;
  readonly reset: string;
  /** Milliseconds from now until the reset that a header value names; 0 when it names none. */
  readonly readReset: (value: string, nowMs: number) => number;
}

const DECIMAL = /^\d+(?:\.\d+)?$/;
/** The three forms of RFC 9110 §5.6.7. Stricter than `Date.parse`, which reads `-5` as a month. */
const HTTP_DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? [\dA-Za-z -]+ \d\d:\d\d:\d\d(?: \d{4}| GMT)$/;
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/;
const DURATION_PART = /(\d+(?:\.\d+)?)(ms|[smhd])/g;
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * How long upstream asks to leave a key alone: what it says outright, else the
 * latest refill among the limits that are used up. 0 when it names nothing usable.
 */
export function readCooldownMs(
  headers: HeaderReader,
  limits: readonly RateLimit[],
  nowMs: number,
): number {
  return readRetryAfterMs(headers, nowMs) || readLatestResetMs(headers, limits, nowMs);
}

/** `retry-after-ms`, else `Retry-After`; an unusable first one falls through to the second. */
export function readRetryAfterMs(headers: HeaderReader, nowMs: number): number {
  const inMs = parseDecimal(headers.get('retry-after-ms') ?? '');
  if (inMs > 0) return Math.ceil(inMs);
  const retryAfter = headers.get('retry-after') ?? '';
  return Math.ceil(parseDecimal(retryAfter) * 1_000) || parseHttpDateMs(retryAfter, nowMs);
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

/** `2026-01-01T00:00:05Z`, as Anthropic dates its resets. */
export function parseTimestampMs(value: string, nowMs: number): number {
  const text = value.trim();
  return RFC_3339.test(text) ? untilMs(Date.parse(text), nowMs) : 0;
}

/** `6m0s`, `1h2m3.5s`, `20ms`, as OpenAI counts down to its resets. */
export function parseDurationMs(value: string): number {
  const text = value.trim();
  if (!DURATION.test(text)) return 0;
  const parts = Array.from(
    text.matchAll(DURATION_PART),
    ([, count, unit]) => Number(count) * (UNIT_MS[unit ?? ''] ?? 0),
  );
  return Math.ceil(parts.reduce((sum, part) => sum + part, 0));
}

function parseHttpDateMs(value: string, nowMs: number): number {
  const text = value.trim();
  if (!HTTP_DATE.test(text)) return 0;
  // The asctime form has no zone and is in UTC like the other two.
  return untilMs(Date.parse(text.endsWith('GMT') ? text : `${text} GMT`), nowMs);
}

function parseDecimal(value: string): number {
  const text = value.trim();
  return DECIMAL.test(text) ? Number(text) : 0;
}

function isZero(value: string | null | undefined): boolean {
  const text = value?.trim() ?? '';
  return DECIMAL.test(text) && Number(text) === 0;
}

function untilMs(atMs: number, nowMs: number): number {
  return Number.isFinite(atMs) ? Math.max(0, atMs - nowMs) : 0;
}
