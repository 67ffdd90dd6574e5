import type { AttemptOutcome, CredentialKind } from '../core/attempt-outcome.ts';
import type { Clock } from '../core/clock.ts';
import type { CallerCredential } from '../providers/index.ts';
import type { UpstreamFailure } from './wire/upstream-failure.ts';

/** What a call is made with: a key of the pool, or what the caller brought. */
export interface Credential extends CallerCredential {
  readonly kind: CredentialKind;
}

export interface AttemptEnd {
  readonly outcome: AttemptOutcome;
  readonly cooldownMs?: number | null;
  readonly error?: string | null;
}

/** Is told of an attempt while it is under way. Must neither throw nor wait. */
export interface AttemptWitness {
  attemptBegun(attempt: Attempt): void;
  /** Of an answer to the attempt that began last. */
  headArrived(status: number): void;
  attemptFinished(attempt: FinishedAttempt): void;
  /** Once, when there was no key to call with for so long. */
  waitedForKey(ms: number): void;
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
  readonly startedAtMs: number;
  #status: number | null = null;
  readonly #startedMonotonicMs: number;
  readonly #clock: Clock;
  readonly #witness: AttemptWitness;
  #answeredAfterMs: number | undefined;
  #isFinished = false;

  constructor(
    readonly ordinal: number,
    readonly credential: Credential,
    clock: Clock,
    witness: AttemptWitness,
  ) {
    this.#clock = clock;
    this.#witness = witness;
    this.startedAtMs = clock.nowMs();
    this.#startedMonotonicMs = clock.monotonicMs();
    witness.attemptBegun(this);
  }

  /** Of the answer, as soon as its head is there. */
  get status(): number | null {
    return this.#status;
  }

  headArrived(status: number): void {
    this.#status = status;
    this.#witness.headArrived(status);
  }

  /** It is clear now what the provider answers; from here on it is relayed. */
  answered(): void {
    this.#answeredAfterMs ??= this.#elapsedMs();
  }

  finish(end: AttemptEnd): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    const elapsedMs = this.#elapsedMs();
    this.#witness.attemptFinished({
      ordinal: this.ordinal,
      credential: this.credential,
      status: this.#status,
      startedAtMs: this.startedAtMs,
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
