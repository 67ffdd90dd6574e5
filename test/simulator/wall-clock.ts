/** How far the two clocks may part before the order of events is read off the wall again. */
const DRIFT_MS_MAX = 2;
/** Clocks that were not read at one moment, because something else got the processor, are not compared. */
const READ_WITHIN_MS = 1;

let originMs = performance.timeOrigin;

/**
 * Epoch milliseconds with fractions, so that the order and distance of events on one
 * machine can be read, also against the clocks of other programs: a monotonic clock
 * parts from those in the hours of a long run, and when the machine is put to sleep.
 */
export function wallClockMs(): number {
  const elapsedMs = performance.now();
  const wallMs = Date.now();
  const isApart = Math.abs(originMs + elapsedMs - wallMs) > DRIFT_MS_MAX;
  if (isApart && performance.now() - elapsedMs < READ_WITHIN_MS) originMs = wallMs - elapsedMs;
  return originMs + elapsedMs;
}
