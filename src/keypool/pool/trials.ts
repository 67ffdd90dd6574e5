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

/** When a call may find out; while one does, nobody else may. */
export type TrialOutlook =
  | { readonly kind: 'now' }
  | { readonly kind: 'later'; readonly atMs: number }
  | { readonly kind: 'under_way' };

/** Which guesses are being put to the test, and when each may be again. One at a time. */
export class Trials {
  /** By what was guessed: another mark is another guess, and one that is over is forgotten. */
  readonly #nextMs = new WeakMap<Cooldown, number>();

  /** Whether a call may find out now, and nobody else until it has ended. */
  begin(cooldown: Cooldown, nowMs: number): boolean {
    if (this.outlook(cooldown, nowMs)?.kind !== 'now') return false;
    this.#nextMs.set(cooldown, Infinity);
    return true;
  }

  /** Undefined: the cooldown is no guess, and none is put to the test. */
  outlook(cooldown: Cooldown, nowMs: number): TrialOutlook | undefined {
    if (!cooldown.isGuess) return undefined;
    const atMs = this.#nextMs.get(cooldown) ?? cooldown.sinceMs + GUESS_HOLDS_MS;
    if (nowMs >= atMs) return { kind: 'now' };
    return atMs === Infinity ? { kind: 'under_way' } : { kind: 'later', atMs };
  }

  end(cooldown: Cooldown, nowMs: number): void {
    this.#nextMs.set(cooldown, nowMs + GUESS_HOLDS_MS);
  }
}
