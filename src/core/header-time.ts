/** Times as providers write them in headers. A text that names none is 0, which asks for nothing. */

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

/** `Thu, 01 Jan 2026 12:00:30 GMT`, in any of the three forms. */
export function parseHttpDateMs(value: string, nowMs: number): number {
  return untilMs(readHttpDate(value), nowMs);
}

/** The moment itself; NaN when the text names none. */
export function readHttpDate(value: string): number {
  const text = value.trim();
  if (!HTTP_DATE.test(text)) return Number.NaN;
  // The asctime form has no zone and is in UTC like the other two.
  return Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
}

export function parseDecimal(value: string): number {
  const text = value.trim();
  return DECIMAL.test(text) ? Number(text) : 0;
}

function untilMs(atMs: number, nowMs: number): number {
  return Number.isFinite(atMs) ? Math.max(0, atMs - nowMs) : 0;
}
