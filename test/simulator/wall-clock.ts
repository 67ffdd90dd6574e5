/** Epoch milliseconds with fractions, so that the order and distance of events on one machine can be read. */
export function wallClockMs(): number {
  return performance.timeOrigin + performance.now();
}
