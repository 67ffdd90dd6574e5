import type { Cooldown } from '../key/key-state.ts';
import type { PoolKey } from '../key/pool-key.ts';

/** How long a guess holds before a call may find out whether it was right. */
const GUESS_HOLDS_MS = 5_000;

/** One call with a sidelined key, which finds out whether the key serves again. */
export interface Trial {
  readonly key: PoolKey;
  /** To be called once, whatever comes of it. */
  readonly end: (isServed: boolean) => void;
}

/** Which guesses are being put to the test, and when each may be again. One at a time. */
export class Trials {
  /** By what was guessed: another mark is another guess, and one that is over is forgotten. */
  readonly #nextMs = new WeakMap<Cooldown, number>();

  /** Whether a call may find out now, and nobody else until it has ended. */
  begin(cooldown: Cooldown, nowMs: number): boolean {
    if (!cooldown.isGuess) return false;
    if (nowMs < (this.#nextMs.get(cooldown) ?? cooldown.sinceMs + GUESS_HOLDS_MS)) return false;
    this.#nextMs.set(cooldown, Infinity);
    return true;
  }

  end(cooldown: Cooldown, nowMs: number): void {
    this.#nextMs.set(cooldown, nowMs + GUESS_HOLDS_MS);
  }
}
