import { Clock } from '../../core/clock.ts';

/** A request takes its time, and clocks drift: what is less than this is no disagreement. */
const TOLERANCE_MS = 1_000;

/**
 * The time that cooldowns and resets are told in: the database's, so that replicas whose clocks are
 * wrong agree. Between two looks at the database it runs by the monotonic clock, and until the first
 * one it starts from the wall clock: setting that afterwards moves no cooldown.
 */
export class KeyClock extends Clock {
  readonly #clock: Clock;
  /** What this clock showed, or would have, when the monotonic one showed 0. */
  #startMs: number;
  #isAgreed = false;

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
    this.#startMs = clock.nowMs() - clock.monotonicMs();
  }

  override nowMs(): number {
    return Math.round(this.#startMs + this.#clock.monotonicMs());
  }

  override monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  /**
   * Takes over the database's time of a moment. Returns how far all times have to be moved that
   * were noted before: those from before the first time, which were the wall clock's.
   */
  agree(databaseMs: number, monotonicMs: number): number {
    const byMs = Math.round(databaseMs - this.#startMs - monotonicMs);
    const isFirst = !this.#isAgreed;
    this.#isAgreed = true;
    if (!isFirst && Math.abs(byMs) < TOLERANCE_MS) return 0;
    this.#startMs += byMs;
    return isFirst ? byMs : 0;
  }
}
