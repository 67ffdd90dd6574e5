/** How far the two clocks may part before the order of events is read off the wall again. */
const DRIFT_MS_MAX = 2;

let originMs = performance.timeOrigin;

/**
 * Epoch milliseconds with fractions, so that the order and distance of events on one
 * machine can be read, also against the clocks of other programs: a monotonic clock
 * parts from those in the hours of a long run, and when the machine is put to sleep.
 */
export function wallClockMs(): number {
  const elapsedMs = performance.now();
  const wallMs = Date.now();
  if (Math.abs(originMs + elapsedMs - wallMs) > DRIFT_MS_MAX) originMs = wallMs - elapsedMs;
  return originMs + elapsedMs;
}
