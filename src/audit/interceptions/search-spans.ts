import { firstIdAt } from '../../core/ids.ts';

const DAY_MS = 86_400_000;
const SPAN_DAYS = [1 / 24, 1 / 4, 1, 4, 16, 64];

/**
 * Where a search for a page of the newest matches begins: an hour back, then further, then nowhere.
 * What is frequent fills its page from the first span; what is rare is quick to find in all.
 */
export function searchSpans(endMs: number): (string | undefined)[] {
  return [...SPAN_DAYS.map((days) => firstIdAt(endMs - days * DAY_MS)), undefined];
}
