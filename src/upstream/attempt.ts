import type { Clock } from '../core/clock.ts';
import type { CallerCredential } from '../providers/index.ts';
import type { UpstreamFailure } from './upstream-failure.ts';

export type CredentialKind = 'centralized' | 'byok';

export type AttemptOutcome =
  | 'served'
  | 'relayed_error'
  | 'rate_limited'
  | 'quota_exhausted'
  | 'unauthorized'
  | 'forbidden'
  | 'transport_error'
  | 'timeout'
  | 'aborted';

/** What a call is made with: a key of the pool, or what the caller brought. */
export interface Credential extends CallerCredential {
  readonly kind: CredentialKind;
}

export interface AttemptEnd {
  readonly outcome: AttemptOutcome;
  readonly cooldownMs?: number | null;
  readonly error?: string | null;
}

export interface FinishedAttempt extends Required<AttemptEnd> {
  readonly ordinal: number;
  readonly credential: Credential;
  readonly status: number | null;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Of the duration, the time until it was clear what the provider answers. */
  readonly waitedMs: number;
}

/**
 * One upstream call with one key, from sending the request until nothing more is
 * expected of it. Finished exactly once; later tries to finish it change nothing.
 */
export class Attempt {
  status: number | null = null;
  readonly #startedAtMs: number;
  readonly #startedMonotonicMs: number;
  readonly #clock: Clock;
  readonly #onFinish: (attempt: FinishedAttempt) => void;
  #answeredAfterMs: number | undefined;
  #isFinished = false;

  constructor(
    readonly ordinal: number,
    readonly credential: Credential,
    clock: Clock,
    onFinish: (attempt: FinishedAttempt) => void,
  ) {
    this.#clock = clock;
    this.#onFinish = onFinish;
    this.#startedAtMs = clock.nowMs();
    this.#startedMonotonicMs = clock.monotonicMs();
  }

  /** It is clear now what the provider answers; from here on it is relayed. */
  answered(): void {
    this.#answeredAfterMs ??= this.#elapsedMs();
  }

  finish(end: AttemptEnd): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    const elapsedMs = this.#elapsedMs();
    this.#onFinish({
      ordinal: this.ordinal,
      credential: this.credential,
      status: this.status,
      startedAtMs: this.#startedAtMs,
      durationMs: Math.round(elapsedMs),
      waitedMs: this.#answeredAfterMs ?? elapsedMs,
      outcome: end.outcome,
      cooldownMs: end.cooldownMs ?? null,
      error: end.error ?? null,
    });
  }

  fail(failure: UpstreamFailure): void {
    this.finish({ outcome: OUTCOME_OF_FAILURE[failure.kind], error: failure.message });
  }

  #elapsedMs(): number {
    return this.#clock.monotonicMs() - this.#startedMonotonicMs;
  }
}

const OUTCOME_OF_FAILURE = {
  unreachable: 'transport_error',
  truncated: 'transport_error',
  malformed: 'transport_error',
  timeout: 'timeout',
  aborted: 'aborted',
} as const;
