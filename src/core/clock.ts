/**
 * Time as a dependency. `nowMs` is wall time, for records and deadlines that
 * outlive the process; `monotonicMs` measures durations and never jumps.
 */
export abstract class Clock {
  abstract nowMs(): number;
  abstract monotonicMs(): number;
}

export class SystemClock extends Clock {
  override nowMs(): number {
    return Date.now();
  }

  override monotonicMs(): number {
    return performance.now();
  }
}
