import { firstIdAt } from '../../core/ids.ts';

/**
 * An id is made when a request arrives, its start is recorded when the request is there in full.
 * So the time in an id may precede `startedAt` by the length of an upload, which the server ends
 * after five minutes, and follow it by the few milliseconds that a busy counter may run ahead.
 */
const EARLIER_MS_MAX = 6 * 60_000;
const LATER_MS_MAX = 1_000;

/** Every id of a record that started at the time or later is at least this one. */
export function firstIdSince(startedAt: Date): string {
  return firstIdAt(startedAt.getTime() - EARLIER_MS_MAX);
}

/** Every id of a record that started before the time is below this one. */
export function firstIdAfter(startedAt: Date): string {
  return firstIdAt(startedAt.getTime() + LATER_MS_MAX);
}
