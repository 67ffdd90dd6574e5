import type { Clock } from '../../core/clock.ts';
import type { KeyRoster } from './key-roster.ts';
import type { PoolKey } from '../key/pool-key.ts';

/**
 * The end of a walk. `transient`: some key is or will be usable again, the soonest
 * after `retryAfterMs`, where 0 means that nobody can tell. `permanent`: every key
 * was rejected, so waiting does not help.
 */
export class PoolExhausted {
  readonly kind: 'transient' | 'permanent';
  readonly retryAfterMs: number;
  /** The one that is back first, when all are sidelined. */
  readonly soonest: PoolKey | undefined;

  constructor(kind: 'transient' | 'permanent', retryAfterMs: number, soonest?: PoolKey) {
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
    this.soonest = soonest;
  }
}

/**
 * One pass over the keys for one logical upstream call: forward only, and each
 * key judged at the moment it is reached. Walkers reserve nothing and change
 * nothing. One that is under way while the keys are replaced finishes with the
 * keys it started with.
 */
export class Walker {
  readonly #roster: KeyRoster;
  readonly #clock: Clock;
  readonly #model: string;
  #position = 0;

  constructor(roster: KeyRoster, clock: Clock, model: string) {
    this.#roster = roster;
    this.#clock = clock;
    this.#model = model;
  }

  next(): PoolKey | PoolExhausted {
    const nowMs = this.#clock.nowMs();
    for (let from = this.#position; ;) {
      const position = this.#roster.candidateFrom(from, nowMs);
      const key = position === undefined ? undefined : this.#roster.keys[position];
      if (position === undefined || key === undefined) return this.#exhausted();
      from = position + 1;
      if (key.stateFor(this.#model).kind !== 'valid') continue;
      this.#position = from;
      return key;
    }
  }

  /** Looks at the whole pool, not only at what is left of it: a key behind us may recover soonest. */
  #exhausted(): PoolExhausted {
    let soonestMs = Infinity;
    let soonest: PoolKey | undefined;
    for (const key of this.#roster.keys) {
      const state = key.stateFor(this.#model);
      if (state.kind === 'valid') return new PoolExhausted('transient', 0);
      if (state.kind !== 'temporary' || state.remainingMs >= soonestMs) continue;
      soonestMs = state.remainingMs;
      soonest = key;
    }
    if (soonest === undefined) return new PoolExhausted('permanent', 0);
    return new PoolExhausted('transient', soonestMs, soonest);
  }
}
