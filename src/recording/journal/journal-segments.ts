import { readdir } from 'node:fs/promises';

const SUFFIX = '.log';
const DIGITS = 16;

/** Segments are named by the position at which they begin, so that names sort by age. */
export function segmentName(start: number): string {
  return `${String(start).padStart(DIGITS, '0')}${SUFFIX}`;
}

export interface Segment {
  readonly name: string;
  readonly start: number;
}

/** Oldest first. */
export async function listSegments(directory: string): Promise<Segment[]> {
  const names = await readdir(directory);
  return names
    .filter((name) => name.endsWith(SUFFIX))
    .toSorted()
    .map((name) => ({ name, start: Number(name.slice(0, -SUFFIX.length)) }));
}
