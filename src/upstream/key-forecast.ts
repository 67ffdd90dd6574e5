import { type KeyPool, PoolExhausted, type PoolKey, type TrialOutlook } from '../keypool/index.ts';
import type { WaitingRoom } from './key-patience.ts';

export interface KeyForecast {
  /** The key that a call which comes now is made with; undefined: it finds none. */
  readonly next: PoolKey | undefined;
  /** All that a walk comes by now, in its order. */
  readonly walk: readonly PoolKey[];
  /** Undefined as long as the walk comes by a key. */
  readonly end: WalkEnd | undefined;
}

/** What is at the end of a walk that comes by no key. */
export interface WalkEnd {
  readonly exhausted: PoolExhausted;
  /** Whether a call may find out about `exhausted.soonest`; undefined: none does. */
  readonly trial: TrialOutlook | undefined;
  /** How long a call waits that finds no key, rather than being refused. */
  readonly waitMs: number;
}

/**
 * What a call that comes now would do: the steps of `KeySearch`, asked of the same walk, the same
 * trials and the same waiting room, and none of them taken.
 */
export function forecast(pool: KeyPool, model: string, room: WaitingRoom): KeyForecast {
  const walker = pool.walk(model);
  const walk: PoolKey[] = [];
  for (;;) {
    const step = walker.next();
    if (!(step instanceof PoolExhausted)) {
      walk.push(step);
      continue;
    }
    const [next] = walk;
    if (next !== undefined) return { next, walk, end: undefined };
    const trial = pool.trialOutlook(step, model);
    const end = { exhausted: step, trial, waitMs: room.patienceMs(step) };
    return { next: trial?.kind === 'now' ? step.soonest : undefined, walk, end };
  }
}
