import { Clock } from '../../core/clock.ts';

/** Clocks drift: what is less than this is no disagreement. */
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
   * Takes over the database's time of some moment between two, unless this clock may be right as it
   * is: the time of a database that took seconds to say it is known no better than to seconds. Returns
   * how far all times have to be moved that were noted before: those from before the first time,
   * which were the wall clock's.
   */
  agree(
    databaseMs: number,
    between: { readonly fromMs: number; readonly untilMs: number },
  ): number {
    const { fromMs, untilMs } = between;
    const byMs = Math.round(databaseMs - this.#startMs - (fromMs + untilMs) / 2);
    const isFirst = !this.#isAgreed;
    this.#isAgreed = true;
    const unsureMs = (untilMs - fromMs) / 2 + (isFirst ? 0 : TOLERANCE_MS);
    if (Math.abs(byMs) <= unsureMs) return 0;
    this.#startMs += byMs;
    return isFirst ? byMs : 0;
  }
}
