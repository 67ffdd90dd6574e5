/**
 * How much is kept of what callers and providers name freely. Names go into
 * indexes, which take no more than a few kilobytes; contents are kept whole.
 */
const LENGTH_MAX = { name: 256, userAgent: 512, route: 1_024, message: 2_000 } as const;

export function bounded(text: string, kind: keyof typeof LENGTH_MAX): string {
  const max = LENGTH_MAX[kind];
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}
