import type { Cooldown, KeyScope, Rejection } from './key-state.ts';

/**
 * All that is known about a key in one scope: what pools hold, what replicas tell one another and
 * what the database keeps are this. Its times are the database's.
 */
export interface KeyRecord {
  readonly provider: string;
  readonly fingerprint: string;
  readonly hint: string;
  readonly scope: KeyScope;
  /** The newest reset of the key that is known of; 0 when there was none. */
  readonly resetAtMs: number;
  /** What upstream has said against the key since then. */
  readonly cooldown: Cooldown | null;
  readonly rejection: Rejection | null;
}

/** How far the clocks of two replicas may be apart without a reset missing its mark. */
export const CLOCK_SKEW_MAX_MS = 60_000;

/**
 * What is known when two have told of the same key and scope. Neither order nor grouping nor
 * repetition matters, so it makes no difference on what ways replicas hear of one another.
 *
 * A reset forgets what its maker cannot have known: marks of replicas that did not know of it. Only
 * a rejection counts all the same that was made so long after it that no tolerated skew explains it.
 * Which of two marks is kept must not decide what a later reset forgets: the rejection that is kept
 * is therefore the newest, and no cooldown outlives a reset. The longest cooldown wins.
 */
export function mergeRecords(left: KeyRecord, right: KeyRecord): KeyRecord {
  const resetAtMs = Math.max(left.resetAtMs, right.resetAtMs);
  return {
    ...left,
    resetAtMs,
    cooldown: greater(cooldownSince(resetAtMs, left), cooldownSince(resetAtMs, right), isLonger),
    rejection: greater(rejectionSince(resetAtMs, left), rejectionSince(resetAtMs, right), isNewer),
  };
}

/** The same, by a clock that shows so much more. */
export function movedRecord(record: KeyRecord, byMs: number): KeyRecord {
  const { resetAtMs, cooldown, rejection } = record;
  return {
    ...record,
    resetAtMs: resetAtMs === 0 ? 0 : resetAtMs + byMs,
    cooldown: cooldown && {
      ...cooldown,
      sinceMs: cooldown.sinceMs + byMs,
      untilMs: cooldown.untilMs + byMs,
    },
    rejection: rejection && { ...rejection, sinceMs: rejection.sinceMs + byMs },
  };
}

function cooldownSince(resetAtMs: number, record: KeyRecord): Cooldown | null {
  return record.resetAtMs === resetAtMs ? record.cooldown : null;
}

function rejectionSince(resetAtMs: number, record: KeyRecord): Rejection | null {
  const { rejection } = record;
  if (record.resetAtMs === resetAtMs) return rejection;
  return rejection && rejection.sinceMs > resetAtMs + CLOCK_SKEW_MAX_MS ? rejection : null;
}

function greater<Mark>(
  left: Mark | null,
  right: Mark | null,
  isGreater: (left: Mark, right: Mark) => boolean,
): Mark | null {
  if (!left || !right) return left ?? right;
  return isGreater(right, left) ? right : left;
}

/** Of two that end at the same moment, one is the provider's word if either is. */
function isLonger(left: Cooldown, right: Cooldown): boolean {
  if (left.untilMs !== right.untilMs) return left.untilMs > right.untilMs;
  if (left.isGuess !== right.isGuess) return right.isGuess;
  return isNewer(left, right);
}

interface Answered {
  readonly sinceMs: number;
  readonly reason: string;
  readonly status: number;
}

/** A tie is broken by what was answered, so that every replica settles on the same one. */
function isNewer(left: Answered, right: Answered): boolean {
  if (left.sinceMs !== right.sinceMs) return left.sinceMs > right.sinceMs;
  if (left.reason !== right.reason) return left.reason < right.reason;
  return left.status < right.status;
}
