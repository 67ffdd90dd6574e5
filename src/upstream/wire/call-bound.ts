import { UpstreamFailure } from './upstream-failure.ts';

/**
 * Ends a whole call when it has taken too long: every attempt of it, what lies between them, and an
 * answer that is still on its way. Unlike the other timeouts it does not ask whose fault that is.
 */
export class CallBound {
  /** Aborted when the call has to end; `abortedBy` says why. */
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout | undefined;

  /** Without `ms` a call ends when its caller goes, and at no other time. */
  constructor(caller: AbortSignal, ms: number | undefined) {
    this.signal = caller;
    if (ms === undefined) return;
    const tooLong = new AbortController();
    this.signal = AbortSignal.any([caller, tooLong.signal]);
    this.#timer = setTimeout(() => {
      const message = `the call took longer than ${ms / 1000} s`;
      tooLong.abort(new UpstreamFailure('timeout', message));
    }, ms);
  }

  /** The call has ended. */
  lift(): void {
    clearTimeout(this.#timer);
  }
}

export function abortedBy({ reason }: AbortSignal): UpstreamFailure {
  if (reason instanceof UpstreamFailure) return reason;
  return new UpstreamFailure('aborted', 'the caller went away');
}
