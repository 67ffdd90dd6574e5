import { joinMarks, type KeyMarks, type KeyScope, marksAfterReset } from './key/key-state.ts';

/** What replicas tell one another about a key in one scope. */
export interface SharedKeyState extends KeyMarks {
  readonly fingerprint: string;
  readonly scope: KeyScope;
  /** The newest reset of the key that the sender knew of; 0 when there was none. */
  readonly resetAtMs: number;
}

/** What is known when two have told of the same key and scope, by the rule that pools merge by. */
export function mergeShared(left: SharedKeyState, right: SharedKeyState): SharedKeyState {
  const resetAtMs = Math.max(left.resetAtMs, right.resetAtMs);
  const current = (state: SharedKeyState): KeyMarks =>
    state.resetAtMs === resetAtMs ? state : marksAfterReset(state, resetAtMs);
  const { fingerprint, scope } = left;
  return { fingerprint, scope, resetAtMs, ...joinMarks(current(left), current(right)) };
}
