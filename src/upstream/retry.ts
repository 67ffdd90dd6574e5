import { readRetryAfterMs } from '../keypool/index.ts';
import { headerValue } from './header-policy.ts';
import type { Answer } from './upstream-call.ts';
import type { UpstreamFailure } from './upstream-failure.ts';

/** What became of one call, as far as trying the same key again is concerned. */
type Tried =
  | { readonly kind: 'failed'; readonly failure: UpstreamFailure }
  | {
      readonly kind: 'answered';
      readonly inspected: { readonly answer: Answer };
      readonly verdict: { readonly kind: string };
    };

const DELAY_MS_MIN = 500;
const DELAY_MS_MAX = 8_000;
/** A provider that asks for more patience than this gets no second call; the caller decides. */
const ASKED_MS_MAX = 60_000;

/** Connection errors, 408, 409 and 5xx; never what is about the key, never a timeout. */
export function isRetryable(tried: Tried): boolean {
  if (tried.kind === 'failed') {
    return tried.failure.kind !== 'timeout' && tried.failure.kind !== 'aborted';
  }
  const { status } = tried.inspected.answer;
  return tried.verdict.kind === 'healthy' && (status === 408 || status === 409 || status >= 500);
}

export function retryDelayMs(tried: Tried, retry: number, nowMs: number): number {
  if (tried.kind === 'answered') {
    const { headers } = tried.inspected.answer;
    const askedMs = readRetryAfterMs({ get: (name) => headerValue(headers, name) }, nowMs);
    if (askedMs > 0 && askedMs < ASKED_MS_MAX) return askedMs;
  }
  return Math.min(DELAY_MS_MIN * 2 ** retry, DELAY_MS_MAX);
}
