import { createHash } from 'node:crypto';

/** Spec 06 §2 in words of its own, so that a mistake in the bridge's mask is not shared. */
export function hintOf(key: string): string {
  const points = Array.from(key);
  const steps = [
    [20, 4],
    [10, 2],
    [5, 1],
  ] as const;
  const [, ends] = steps.find(([atLeast]) => points.length >= atLeast) ?? [0, 0];
  if (points.length === 0) return '';
  if (ends === 0) return '...';
  return `${points.slice(0, ends).join('')}...${points.slice(points.length - ends).join('')}`;
}

export function fingerprintOf(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex').substring(0, 12);
}
