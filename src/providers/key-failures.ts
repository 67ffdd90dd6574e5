/** Matches an error in which every given field fits. */
export interface ErrorPattern {
  readonly type?: string;
  readonly code?: string;
  readonly message?: RegExp;
}

/** How one provider says what is wrong with a key. */
export interface KeyFailures {
  /** The HTTP status that an error type or code stands for, for errors inside a 200 stream. */
  readonly statusOf: Readonly<Record<string, number>>;
  /** The account's credit or quota is used up. */
  readonly quotaExhausted: readonly ErrorPattern[];
  /** Of a rate limit: it is one of the whole account, whatever the model. */
  readonly accountLimited: readonly ErrorPattern[];
  /** Of a 403: the key works, but not for this model or feature. */
  readonly modelForbidden: readonly ErrorPattern[];
  readonly rateLimits: readonly RateLimit[];
}

/** One of the limits a provider reports with its replies: what is left of it, and when it refills. */
export interface RateLimit {
  readonly remaining: string;
  readonly reset: string;
  /** Milliseconds from now until the reset that a header value names; 0 when it names none. */
  readonly readReset: (value: string, nowMs: number) => number;
}
