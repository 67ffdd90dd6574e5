import type { Clock } from '../core/clock.ts';
import { waited } from '../core/waited.ts';
import {
  classify,
  type KeyPool,
  type KeyVerdict,
  type PoolKey,
  PoolExhausted,
} from '../keypool/index.ts';
import type { Provider, UpstreamError } from '../providers/index.ts';
import { Attempt, type Credential, type FinishedAttempt } from './attempt.ts';
import { headerValue } from './header-policy.ts';
import { isRetryable, retryDelayMs } from './retry.ts';
import type { Answer } from './upstream-call.ts';
import { UpstreamFailure } from './upstream-failure.ts';

/** What can be told from the beginning of an answer, before a byte of it goes to the caller. */
export interface InspectedAnswer {
  readonly answer: Answer;
  /** The provider's error, from an error's body or from the first event of a stream. */
  readonly error: UpstreamError | undefined;
  /** Why the beginning could not be read to its end; the status may decide about the key all the same. */
  readonly failure: UpstreamFailure | undefined;
}

/** One logical call: what stays the same whatever key it is made with. */
export interface LogicalCall<T extends InspectedAnswer> {
  readonly model: string;
  /** The caller's own credential, which is used as it is; otherwise the pool serves the call. */
  readonly byok: Credential | undefined;
  readonly pool: KeyPool | undefined;
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
  send(credential: Credential): Promise<Answer>;
  inspect(answer: Answer, credential: Credential): Promise<T>;
  nextOrdinal(): number;
  onAttempt(attempt: FinishedAttempt): void;
}

export interface FailoverSettings {
  readonly provider: Provider;
  readonly retriesMax: number;
  readonly cooldownScope: 'key' | 'model';
  readonly forbiddenScope: 'key' | 'model';
  readonly clock: Clock;
}

/** An answer to be relayed, be it an error. Whoever relays it finishes the attempt. */
interface Answered<T> {
  readonly kind: 'answered';
  readonly inspected: T;
  readonly attempt: Attempt;
}

interface Failed {
  readonly kind: 'failed';
  readonly failure: UpstreamFailure;
}

export type CallResult<T> =
  Answered<T> | Failed | { readonly kind: 'exhausted'; readonly exhausted: PoolExhausted };

/** What the key is to be blamed for, if anything, along with the answer that says so. */
type KeyResult<T> = (Answered<T> & { readonly verdict: KeyVerdict }) | Failed;

/**
 * The one failover loop: every call of every API, blocking, streaming and
 * passthrough, and every turn of a tool loop, goes through it. One pass over the
 * keys; what is about the key moves on to the next one, anything else is the
 * caller's answer. Once an answer has been handed out, nothing is tried again.
 */
export async function callWithFailover<T extends InspectedAnswer>(
  call: LogicalCall<T>,
  settings: FailoverSettings,
): Promise<CallResult<T>> {
  if (call.signal.aborted) return { kind: 'failed', failure: callerLeft() };
  if (call.byok !== undefined) return callWithKey(call, call.byok, settings);
  const walker = call.pool?.walk(call.model);
  while (!call.signal.aborted) {
    const key = walker?.next() ?? new PoolExhausted('permanent', 0);
    if (key instanceof PoolExhausted) return { kind: 'exhausted', exhausted: key };
    const credential: Credential = {
      kind: 'centralized',
      secret: key.secret,
      scheme: settings.provider.auth,
    };
    const result = await callWithKey(call, credential, settings);
    if (result.kind === 'failed' || result.verdict.kind === 'healthy') return result;
    giveUpKey(call, key, result.verdict, result);
  }
  return { kind: 'failed', failure: callerLeft() };
}

/** Calls with one key, again if that may help, as long as nothing speaks against the key itself. */
async function callWithKey<T extends InspectedAnswer>(
  call: LogicalCall<T>,
  credential: Credential,
  settings: FailoverSettings,
): Promise<KeyResult<T>> {
  for (let retry = 0; ; retry += 1) {
    const result = await callOnce(call, credential, settings);
    if (retry >= settings.retriesMax || !isRetryable(result)) return result;
    if (result.kind === 'answered') abandon(result);
    const delayMs = retryDelayMs(result, retry, settings.clock.nowMs());
    if (!(await waited(delayMs, call.signal))) {
      return { kind: 'failed', failure: callerLeft() };
    }
  }
}

async function callOnce<T extends InspectedAnswer>(
  call: LogicalCall<T>,
  credential: Credential,
  settings: FailoverSettings,
): Promise<KeyResult<T>> {
  const attempt = new Attempt(call.nextOrdinal(), credential, settings.clock, (finished) => {
    call.onAttempt(finished);
  });
  try {
    const answer = await call.send(credential);
    attempt.status = answer.status;
    const inspected = await call.inspect(answer, credential);
    attempt.answered();
    const verdict = judge(inspected, credential, settings);
    if (verdict.kind === 'healthy' && inspected.failure !== undefined) throw inspected.failure;
    return { kind: 'answered', inspected, attempt, verdict };
  } catch (error) {
    if (!(error instanceof UpstreamFailure)) throw error;
    attempt.fail(error);
    return { kind: 'failed', failure: error };
  }
}

/** A caller's own key is not ours to judge: whatever comes back is the answer. */
function judge(
  { answer, error }: InspectedAnswer,
  credential: Credential,
  { provider, clock, cooldownScope, forbiddenScope }: FailoverSettings,
): KeyVerdict {
  if (credential.kind === 'byok') return { kind: 'healthy' };
  const headers = { get: (name: string) => headerValue(answer.headers, name) };
  return classify({ status: answer.status, headers, error }, provider.failures, {
    nowMs: clock.nowMs(),
    cooldownScope,
    forbiddenScope,
  });
}

function giveUpKey<T extends InspectedAnswer>(
  call: LogicalCall<T>,
  key: PoolKey,
  verdict: Exclude<KeyVerdict, { kind: 'healthy' }>,
  { inspected, attempt }: Answered<T>,
): void {
  // What has been looked at is all that is wanted of the body; a longer one loses its connection.
  inspected.answer.body.cancel();
  call.pool?.mark(key, verdict, { status: inspected.answer.status, model: call.model });
  attempt.finish({
    outcome: verdict.reason,
    cooldownMs: verdict.kind === 'cool' ? (call.pool?.cooldownMs(verdict) ?? null) : null,
    error: inspected.error?.message ?? null,
  });
}

function abandon<T extends InspectedAnswer>({ inspected, attempt }: Answered<T>): void {
  inspected.answer.body.cancel();
  attempt.finish({ outcome: 'transport_error', error: inspected.error?.message ?? null });
}

function callerLeft(): UpstreamFailure {
  return new UpstreamFailure('aborted', 'the caller went away');
}
