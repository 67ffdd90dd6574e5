import type { Clock } from '../../core/clock.ts';
import type { Secret } from '../../core/secret.ts';
import {
  joinMarks,
  type KeyMarks,
  type KeyScope,
  type KeyState,
  marksAfterReset,
  NO_MARKS,
  stateOf,
} from './key-state.ts';
import type { SharedKeyState } from '../shared-key-state.ts';

/** Models are named by clients, so neither their number nor their length is trusted. */
const MODEL_SCOPES_MAX = 64;
const MODEL_NAME_LENGTH_MAX = 128;

/**
 * One key of a pool and what is held against it. Only the pool changes it; to
 * everybody else it is a secret with a state.
 *
 * A reset opens a new chapter: marks belong to the newest reset their maker knew
 * of. That orders a mark and a reset by knowledge where it can and by the clocks
 * only where it must, so a replica whose clock lags can still mark a key that was
 * just reset, and one whose clock is ahead cannot undo the reset with old news.
 */
export class PoolKey {
  readonly secret: Secret;
  readonly #clock: Clock;
  readonly #marks = new Map<KeyScope, KeyMarks>();
  #resetAtMs = 0;

  constructor(secret: Secret, clock: Clock) {
    this.secret = secret;
    this.#clock = clock;
  }

  get hint(): string {
    return this.secret.hint;
  }

  get fingerprint(): string {
    return this.secret.fingerprint;
  }

  get resetAtMs(): number {
    return this.#resetAtMs;
  }

  /** Whether the key may be used in this scope: what counts against the whole key counts there too. */
  stateFor(scope: KeyScope = null): KeyState {
    const wide = this.#marksIn(null);
    const marks =
      scope === null || this.#marks.size === 0 ? wide : joinMarks(wide, this.#marksIn(scope));
    return stateOf(marks, this.#clock.nowMs());
  }

  /** The state of each scope on its own. The whole key is always among them. */
  states(nowMs: number): Map<KeyScope, KeyState> {
    const states = new Map<KeyScope, KeyState>([[null, stateOf(this.#marksIn(null), nowMs)]]);
    for (const [scope, marks] of this.#marks) states.set(scope, stateOf(marks, nowMs));
    return states;
  }

  /** When the whole key came into the state it is in; null when nothing is known to have happened. */
  changedAtMs(nowMs: number): number | null {
    const { cooldown, rejection } = this.#marksIn(null);
    if (rejection) return rejection.sinceMs;
    if (!cooldown) return this.#resetAtMs || null;
    return cooldown.untilMs <= nowMs ? cooldown.untilMs : cooldown.sinceMs;
  }

  shared(scope: KeyScope): SharedKeyState {
    const { fingerprint, resetAtMs } = this;
    return { fingerprint, scope, resetAtMs, ...this.#marksIn(scope) };
  }

  mark(scope: KeyScope, marks: KeyMarks): void {
    const name = boundedScope(scope);
    const joined = joinMarks(this.#marksIn(name), marks);
    if (joined.cooldown || joined.rejection) this.#marks.set(name, joined);
    if (this.#marks.size > MODEL_SCOPES_MAX + 1) this.#forgetOldestModel();
  }

  /** Forgets every mark, and those still on their way from replicas that do not know of this. */
  reset(): void {
    const madeAtMs = [...this.#marks.values()].flatMap(({ cooldown, rejection }) => [
      cooldown?.sinceMs ?? 0,
      rejection?.sinceMs ?? 0,
    ]);
    this.#marks.clear();
    this.#resetAtMs = Math.max(this.#clock.nowMs(), this.#resetAtMs + 1, ...madeAtMs);
  }

  merge(remote: SharedKeyState): void {
    if (remote.resetAtMs > this.#resetAtMs) this.#learnReset(remote.resetAtMs);
    const isCurrent = remote.resetAtMs === this.#resetAtMs;
    this.mark(remote.scope, isCurrent ? remote : marksAfterReset(remote, this.#resetAtMs));
  }

  #learnReset(resetAtMs: number): void {
    const known = [...this.#marks];
    this.#marks.clear();
    this.#resetAtMs = resetAtMs;
    for (const [scope, marks] of known) this.mark(scope, marksAfterReset(marks, resetAtMs));
  }

  #marksIn(scope: KeyScope): KeyMarks {
    return this.#marks.get(boundedScope(scope)) ?? NO_MARKS;
  }

  /** A forgotten model costs one more refused attempt; an unbounded map could cost the process. */
  #forgetOldestModel(): void {
    for (const scope of this.#marks.keys()) {
      if (scope === null) continue;
      this.#marks.delete(scope);
      return;
    }
  }
}

function boundedScope(scope: KeyScope): KeyScope {
  return scope === null ? null : scope.slice(0, MODEL_NAME_LENGTH_MAX);
}
