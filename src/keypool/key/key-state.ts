export type CoolReason = 'rate_limited' | 'quota_exhausted';
/** `drill`: an operator plays a rate limit; no answer has spoken against the key. */
export type CooldownReason = CoolReason | 'drill';
export type RejectReason = 'unauthorized' | 'forbidden';

/** What a key is good for right now. Derived from its record and the clock, never stored. */
export type KeyState =
  | { readonly kind: 'valid' }
  | ({ readonly kind: 'temporary'; readonly remainingMs: number } & Cooldown)
  | ({ readonly kind: 'permanent' } & Rejection);

/** The whole key (`null`), or its use for one model; `''` stands for requests that name no model. */
export type KeyScope = string | null;

/** Models are named by clients, so their length is not trusted. */
const MODEL_NAME_LENGTH_MAX = 128;

/**
 * A name as it can be kept: PostgreSQL's text takes neither NUL nor half a surrogate pair. Two names
 * that are kept as one are one everywhere, or they would meet in the middle of a statement.
 */
export function scopeOf(model: string): string {
  return model.slice(0, MODEL_NAME_LENGTH_MAX).replaceAll('\0', '\uFFFD').toWellFormed();
}

/** `status` is what upstream answered, or would have. */
export interface Cooldown {
  readonly reason: CooldownReason;
  readonly status: number;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** The provider has not said until when: this is our own default. */
  readonly isGuess: boolean;
}

export interface Rejection {
  readonly reason: RejectReason;
  readonly status: number;
  readonly sinceMs: number;
}

export const VALID: KeyState = { kind: 'valid' };

export function stateOf(
  { cooldown, rejection }: { cooldown: Cooldown | null; rejection: Rejection | null },
  nowMs: number,
): KeyState {
  if (rejection) return { kind: 'permanent', ...rejection };
  if (!cooldown || cooldown.untilMs <= nowMs) return VALID;
  return { kind: 'temporary', ...cooldown, remainingMs: cooldown.untilMs - nowMs };
}
