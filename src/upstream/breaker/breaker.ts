import type { Clock } from '../../core/clock.ts';

export interface BreakerSettings {
  /** So many failures in a row, within the interval, open it. */
  readonly failures: number;
  readonly intervalMs: number;
  /** How long it stays open before it lets probes through. */
  readonly timeoutMs: number;
  readonly probes: number;
}

export type BreakerState = 'closed' | 'open' | 'half_open';

/** What a call has shown of the provider; `unknown`: nothing, it may not even have got there. */
export type CallHealth = 'served' | 'failed' | 'unknown';

/**
 * A call that was let through. What it shows counts only in the time in which it set out:
 * a late answer from before the breaker opened says nothing of now.
 */
export interface Passage {
  readonly era: number;
  /** Whether it has been counted as a probe that came through. */
  isThrough: boolean;
}

/** Of a way whose breaker is not there yet, because nothing has failed on it. */
export function untriedPassage(): Passage {
  return { era: 0, isThrough: false };
}

/**
 * The circuit breaker of one way to a provider. Closed, it lets everything through; failures in a
 * row open it, and calls are refused at once. After a while a few calls are let through to find
 * out: one failure opens it again, enough that come through close it.
 *
 * A probe that is still out is no reason to refuse everybody until it is back, which may take
 * minutes: as many more are let through each time the while has passed again.
 */
export class Breaker {
  readonly #settings: BreakerSettings;
  readonly #clock: Clock;
  readonly #onChange: (from: BreakerState, to: BreakerState) => void;
  #state: BreakerState = 'closed';
  #era = 0;
  /** The latest in a row, at most as many as open it. */
  #failedAtMs: number[] = [];
  /** Open: since when. Half open: since when the present probes are let through. */
  #sinceMs = 0;
  #probesOut = 0;
  #probesThrough = 0;

  constructor(
    settings: BreakerSettings,
    clock: Clock,
    onChange: (from: BreakerState, to: BreakerState) => void,
  ) {
    this.#settings = settings;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** In a row and within the interval; 0 unless it is closed. */
  get failures(): number {
    return this.#failedAtMs.filter((ms) => this.#isRecent(ms)).length;
  }

  /** Until when nothing is let through; 0: the next call is. */
  get refusesForMs(): number {
    if (this.#state === 'closed' || this.#hasRoomForProbe()) return 0;
    return Math.max(0, this.#sinceMs + this.#settings.timeoutMs - this.#clock.monotonicMs());
  }

  /** Undefined: the call is not to be made. */
  enter(): Passage | undefined {
    if (this.#state !== 'closed') {
      if (this.refusesForMs > 0) return undefined;
      if (this.#state === 'open') this.#become('half_open');
      if (!this.#hasRoomForProbe()) this.#letProbesThrough();
      this.#probesOut += 1;
    }
    return { era: this.#era, isThrough: false };
  }

  /** The provider has begun to answer as it should. What is still to come may take minutes. */
  answering(passage: Passage): void {
    if (passage.era !== this.#era || this.#state !== 'half_open' || passage.isThrough) return;
    passage.isThrough = true;
    this.#probesThrough += 1;
    if (this.#probesThrough >= this.#settings.probes) this.#become('closed');
  }

  ended(passage: Passage, health: CallHealth): void {
    if (passage.era !== this.#era) return;
    if (health === 'failed') this.#failed();
    else if (health === 'served') this.#served(passage);
    else if (!passage.isThrough) this.#probesOut = Math.max(0, this.#probesOut - 1);
  }

  #served(passage: Passage): void {
    if (this.#state === 'closed') this.#failedAtMs = [];
    else this.answering(passage);
  }

  #failed(): void {
    if (this.#state === 'half_open') {
      this.#become('open');
      return;
    }
    const { failures } = this.#settings;
    this.#failedAtMs = [...this.#failedAtMs, this.#clock.monotonicMs()].slice(-failures);
    if (this.failures >= failures) this.#become('open');
  }

  #become(state: BreakerState): void {
    const from = this.#state;
    this.#state = state;
    this.#era += 1;
    this.#failedAtMs = [];
    this.#probesThrough = 0;
    this.#letProbesThrough();
    this.#onChange(from, state);
  }

  #letProbesThrough(): void {
    this.#sinceMs = this.#clock.monotonicMs();
    this.#probesOut = 0;
  }

  #hasRoomForProbe(): boolean {
    return this.#state === 'half_open' && this.#probesOut < this.#settings.probes;
  }

  #isRecent(ms: number): boolean {
    return this.#clock.monotonicMs() - ms < this.#settings.intervalMs;
  }
}
