export type CoolReason = 'rate_limited' | 'quota_exhausted';
export type RejectReason = 'unauthorized' | 'forbidden';

/** What a key is good for right now. Derived from its marks and the clock, never stored. */
export type KeyState =
  | { readonly kind: 'valid' }
  | {
      readonly kind: 'temporary';
      readonly reason: CoolReason;
      readonly status: number;
      readonly sinceMs: number;
      readonly untilMs: number;
      readonly remainingMs: number;
    }
  | ({ readonly kind: 'permanent' } & Rejection);

/** The whole key (`null`), or its use for one model; `''` stands for requests that name no model. */
export type KeyScope = string | null;

/** `status` is what upstream answered. */
export interface Cooldown {
  readonly reason: CoolReason;
  readonly status: number;
  readonly sinceMs: number;
  readonly untilMs: number;
}

export interface Rejection {
  readonly reason: RejectReason;
  readonly status: number;
  readonly sinceMs: number;
}

/** What upstream has said against a key in one scope since the key was last reset. */
export interface KeyMarks {
  readonly cooldown: Cooldown | null;
  readonly rejection: Rejection | null;
}

/** How far the clocks of two replicas may be apart without a reset missing its mark. */
export const CLOCK_SKEW_MAX_MS = 60_000;

export const NO_MARKS: KeyMarks = { cooldown: null, rejection: null };

export const VALID: KeyState = { kind: 'valid' };

export function stateOf({ cooldown, rejection }: KeyMarks, nowMs: number): KeyState {
  if (rejection) return { kind: 'permanent', ...rejection };
  if (!cooldown || cooldown.untilMs <= nowMs) return VALID;
  return { kind: 'temporary', ...cooldown, remainingMs: cooldown.untilMs - nowMs };
}

/**
 * Adds up two views of a key: the longer cooldown and the first rejection win.
 * Order and repetition do not matter, so local marks, marks of other replicas
 * and the scopes that apply to a request are all combined by this one rule.
 */
export function joinMarks(left: KeyMarks, right: KeyMarks): KeyMarks {
  return {
    cooldown: longer(left.cooldown, right.cooldown),
    rejection: earlier(left.rejection, right.rejection),
  };
}

/**
 * The marks of a replica that did not know of this reset which count all the
 * same: those made so long after it that no tolerated clock skew explains it.
 */
export function marksAfterReset(marks: KeyMarks, resetAtMs: number): KeyMarks {
  const provenAfterMs = resetAtMs + CLOCK_SKEW_MAX_MS;
  const { cooldown, rejection } = marks;
  return {
    cooldown: cooldown && cooldown.sinceMs > provenAfterMs ? cooldown : null,
    rejection: rejection && rejection.sinceMs > provenAfterMs ? rejection : null,
  };
}

function longer(left: Cooldown | null, right: Cooldown | null): Cooldown | null {
  if (!left || !right) return left ?? right;
  const difference = left.untilMs - right.untilMs || left.sinceMs - right.sinceMs;
  return isFirst(difference, left, right) ? left : right;
}

function earlier(left: Rejection | null, right: Rejection | null): Rejection | null {
  if (!left || !right) return left ?? right;
  return isFirst(right.sinceMs - left.sinceMs, left, right) ? left : right;
}

/** A tie is broken by what was answered, so that every replica settles on the same one. */
function isFirst(
  difference: number,
  left: { readonly reason: string; readonly status: number },
  right: { readonly reason: string; readonly status: number },
): boolean {
  if (difference !== 0) return difference > 0;
  if (left.reason !== right.reason) return left.reason < right.reason;
  return left.status <= right.status;
}
