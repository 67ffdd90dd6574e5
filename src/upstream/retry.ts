import type { Clock } from '../core/clock.ts';
import { readRetryAfterMs } from '../keypool/index.ts';
import { headerValue } from './header-policy.ts';
import type { Answer } from './wire/upstream-call.ts';
import type { UpstreamFailure } from './wire/upstream-failure.ts';

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
/** How much longer a delay is at the most, so that those who failed together do not come back together. */
const JITTER = 0.25;

/** Connection errors, 408, 409 and 5xx; never what is about the key, never a timeout. */
export function isRetryable(tried: Tried): boolean {
  if (tried.kind === 'failed') {
    return tried.failure.kind !== 'timeout' && tried.failure.kind !== 'aborted';
  }
  const { status } = tried.inspected.answer;
  return tried.verdict.kind === 'healthy' && (status === 408 || status === 409 || status >= 500);
}

/** Never less than the provider asks for; undefined where that is too much to wait for. */
export function retryDelayMs(
  tried: Tried,
  retry: number,
  { clock, random }: { readonly clock: Clock; readonly random: () => number },
): number | undefined {
  const askedMs = tried.kind === 'answered' ? askedFor(tried.inspected.answer, clock.nowMs()) : 0;
  if (askedMs >= ASKED_MS_MAX) return undefined;
  const delayMs = askedMs > 0 ? askedMs : Math.min(DELAY_MS_MIN * 2 ** retry, DELAY_MS_MAX);
  return delayMs * (1 + random() * JITTER);
}

function askedFor({ headers }: Answer, nowMs: number): number {
  return readRetryAfterMs({ get: (name) => headerValue(headers, name) }, nowMs);
}
