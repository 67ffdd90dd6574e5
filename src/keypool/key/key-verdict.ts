import type { ErrorPattern, KeyFailures, UpstreamError } from '../../providers/index.ts';
import { type HeaderReader, readCooldownMs } from './cooldown.ts';
import type { CoolReason, RejectReason } from './key-state.ts';

/** What a reply says about the key it was asked with. A 400 is `healthy`: the request was wrong. */
export type KeyVerdict =
  | { readonly kind: 'healthy' }
  /** `forMs` is what upstream names; 0 when it names nothing. */
  | {
      readonly kind: 'cool';
      readonly reason: CoolReason;
      readonly forMs: number;
      readonly scope: VerdictScope;
    }
  | { readonly kind: 'reject'; readonly reason: RejectReason; readonly scope: VerdictScope };

/**
 * What a verdict is about: all that the key is used for, or the model that was asked; or the account
 * behind the key, and so all that its keys are used for.
 */
export type VerdictScope = 'account' | 'key' | 'model';

/** The head of a reply and, where there is one, the error of its body or of its first SSE event. */
export interface UpstreamReply {
  readonly status: number;
  readonly headers: HeaderReader;
  readonly error?: UpstreamError | undefined;
}

export interface VerdictSettings {
  readonly nowMs: number;
  /** `model`: a rate limit that is not the account's sidelines the key for that model only. */
  readonly cooldownScope: 'key' | 'model';
  /** `model`: a 403 about the model does. */
  readonly forbiddenScope: 'key' | 'model';
}

/** A quota comes back when somebody pays or a period ends, not within seconds. */
export const QUOTA_COOLDOWN_MS = 15 * 60_000;

const HEALTHY: KeyVerdict = { kind: 'healthy' };

/**
 * Judges a key by status, headers and error body together.
 *
 * Only 401 and 403 reject a key for good, whatever their body: they are the
 * statuses that speak about the credential, and a rejected key is probed again.
 * A body can only soften that, to a cooldown or to one model. No body, known or
 * unknown, rejects a key under another status; those mark it only when the body
 * says in so many words that the account's quota is used up.
 */
export function classify(
  reply: UpstreamReply,
  failures: KeyFailures,
  { nowMs, cooldownScope, forbiddenScope }: VerdictSettings,
): KeyVerdict {
  const status = effectiveStatus(reply, failures);
  if (status === 402 || fitsAny(reply.error, failures.quotaExhausted)) {
    return { kind: 'cool', reason: 'quota_exhausted', forMs: QUOTA_COOLDOWN_MS, scope: 'account' };
  }
  if (status === 429) {
    const forMs = readCooldownMs(reply.headers, failures.rateLimits, nowMs);
    const isAccountWide = fitsAny(reply.error, failures.accountLimited);
    const scope = isAccountWide ? 'account' : cooldownScope;
    return { kind: 'cool', reason: 'rate_limited', forMs, scope };
  }
  if (status === 401) return { kind: 'reject', reason: 'unauthorized', scope: 'key' };
  if (status === 403) {
    const isModelOnly = forbiddenScope === 'model' && fitsAny(reply.error, failures.modelForbidden);
    return { kind: 'reject', reason: 'forbidden', scope: isModelOnly ? 'model' : 'key' };
  }
  return HEALTHY;
}

/**
 * The status to judge a reply by. A stream that opens with an error has the
 * status which that error names; an error that names none leaves it as it is.
 */
export function effectiveStatus({ status, error }: UpstreamReply, failures: KeyFailures): number {
  if (status >= 400 || !error) return status;
  return statusNamed(error.code, failures) ?? statusNamed(error.type, failures) ?? status;
}

function statusNamed(name: string, { statusOf }: KeyFailures): number | undefined {
  if (/^[45]\d\d$/.test(name)) return Number(name);
  return Object.hasOwn(statusOf, name) ? statusOf[name] : undefined;
}

function fitsAny(error: UpstreamError | undefined, patterns: readonly ErrorPattern[]): boolean {
  return error !== undefined && patterns.some((pattern) => fits(error, pattern));
}

function fits(error: UpstreamError, { type, code, message }: ErrorPattern): boolean {
  return (
    (type === undefined || type === error.type) &&
    (code === undefined || code === error.code) &&
    (message === undefined || message.test(error.message))
  );
}
