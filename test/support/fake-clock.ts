import { Clock } from '../../src/core/clock.ts';

/** A clock that stands still until a test moves it. */
export class FakeClock extends Clock {
  #nowMs: number;
  #monotonicMs = 0;

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    super();
    this.#nowMs = startMs;
  }

  override nowMs(): number {
    return this.#nowMs;
  }

  override monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** As an operator or a time server sets it: no time passes. */
  setWallMs(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  advanceMs(ms: number): void {
    this.#nowMs += ms;
    this.#monotonicMs += ms;
  }
}
