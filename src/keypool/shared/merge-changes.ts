import { isDeepStrictEqual } from 'node:util';
import { CLOCK_SKEW_MAX_MS, type KeyRecord, mergeRecords } from '../key/key-record.ts';
import { type Cooldown, type KeyState, stateOf } from '../key/key-state.ts';
import type { KeyChange, KeyEvent } from '../pool/key-state-store.ts';

export interface MergedChanges {
  /** Those records that are not what they were. */
  readonly records: readonly KeyRecord[];
  /** The changes of state that this makes, oldest first. */
  readonly events: readonly Omit<KeyEvent, 'id'>[];
}

/**
 * Adds what a process tells to what is on record. An event is what changes the record
 * and not what somebody saw: of two replicas that meet the same limit at the same time,
 * and of one that tells it twice, one makes history.
 */
export function mergeChanges(
  recorded: readonly KeyRecord[],
  changes: readonly KeyChange[],
  nowMs: number,
): MergedChanges {
  const known = new Map(recorded.map((record) => [slotOf(record), record]));
  const changed = new Map<string, KeyRecord>();
  const events: Omit<KeyEvent, 'id'>[] = [];
  for (const change of changes) {
    const told = notFromTheFuture(change.record, nowMs);
    const slot = slotOf(told);
    const before = known.get(slot) ?? { ...told, resetAtMs: 0, cooldown: null, rejection: null };
    const after = mergeRecords(before, told);
    if (isDeepStrictEqual(before, after)) continue;
    known.set(slot, after);
    changed.set(slot, after);
    const from = stateOf(before, change.atMs);
    const to = stateOf(after, change.atMs);
    if (from.kind !== to.kind) events.push(eventOf(change, from, to));
  }
  return { records: [...changed.values()], events };
}

function slotOf({ provider, fingerprint, scope }: KeyRecord): string {
  return JSON.stringify([provider, fingerprint, scope]);
}

/** A clock that is far ahead must not write down a cooldown that lasts until that clock is right. */
function notFromTheFuture(told: KeyRecord, nowMs: number): KeyRecord {
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
  const { actor, atMs } = change;
  const { provider, fingerprint, hint, scope } = change.record;
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
