import { isDeepStrictEqual } from 'node:util';
import { CLOCK_SKEW_MAX_MS, type Cooldown, type KeyState, stateOf } from '../key/key-state.ts';
import type { KeyChange, KeyEvent, RecordedKeyState } from '../pool/key-state-store.ts';
import { mergeShared, type SharedKeyState } from '../shared-key-state.ts';

export interface MergedChanges {
  /** Those records that are not what they were. */
  readonly records: readonly RecordedKeyState[];
  /** The changes of state that this makes, oldest first. */
  readonly events: readonly Omit<KeyEvent, 'id'>[];
}

/**
 * Adds what a process tells to what is on record. An event is what changes the record
 * and not what somebody saw: of two replicas that meet the same limit at the same time,
 * and of one that tells it twice, one makes history.
 */
export function mergeChanges(
  recorded: readonly RecordedKeyState[],
  changes: readonly KeyChange[],
  nowMs: number,
): MergedChanges {
  const known = new Map(recorded.map((record) => [slotOf(record), record]));
  const changed = new Map<string, RecordedKeyState>();
  const events: Omit<KeyEvent, 'id'>[] = [];
  for (const change of changes) {
    const { provider, hint } = change;
    const told = notFromTheFuture(change.shared, nowMs);
    const slot = slotOf({ ...told, provider });
    const before = known.get(slot) ?? nothingKnown(change);
    const after: RecordedKeyState = { provider, hint, ...mergeShared(before, told) };
    if (isDeepStrictEqual(before, after)) continue;
    known.set(slot, after);
    changed.set(slot, after);
    const from = stateOf(before, change.atMs);
    const to = stateOf(after, change.atMs);
    if (from.kind !== to.kind) events.push(eventOf(change, from, to));
  }
  return { records: [...changed.values()], events };
}

function slotOf({ provider, fingerprint, scope }: Omit<RecordedKeyState, 'hint'>): string {
  return JSON.stringify([provider, fingerprint, scope]);
}

function nothingKnown({ provider, fingerprint, hint, scope }: KeyChange): RecordedKeyState {
  return {
    provider,
    fingerprint,
    hint,
    scope,
    resetAtMs: 0,
    cooldown: null,
    rejection: null,
  };
}

/** A clock that is far ahead must not write down a cooldown that lasts until that clock is right. */
function notFromTheFuture(told: SharedKeyState, nowMs: number): SharedKeyState {
  const aheadMs = (told.cooldown?.sinceMs ?? 0) - (nowMs + CLOCK_SKEW_MAX_MS);
  if (!told.cooldown || aheadMs <= 0) return told;
  const { sinceMs, untilMs } = told.cooldown;
  const cooldown: Cooldown = {
    ...told.cooldown,
    sinceMs: sinceMs - aheadMs,
    untilMs: untilMs - aheadMs,
  };
  return { ...told, cooldown };
}

function eventOf(change: KeyChange, from: KeyState, to: KeyState): Omit<KeyEvent, 'id'> {
  const { provider, fingerprint, hint, scope, actor, atMs } = change;
  return {
    provider,
    fingerprint,
    hint,
    scope,
    previousState: from.kind,
    state: to.kind,
    reason: to.kind === 'valid' ? change.reason : to.reason,
    status: to.kind === 'valid' ? null : to.status,
    cooldownMs: to.kind === 'temporary' ? to.remainingMs : null,
    coolingUntilMs: to.kind === 'temporary' ? to.untilMs : null,
    actor,
    atMs,
  };
}
