import type { Clock } from '../core/clock.ts';
import { waited } from '../core/waited.ts';
import {
  classify,
  type KeyPool,
  type KeyVerdict,
  type PoolKey,
  PoolExhausted,
  type VerdictSettings,
} from '../keypool/index.ts';
import type { Provider, UpstreamError } from '../providers/index.ts';
import { Attempt, type AttemptWitness, type Credential } from './attempt.ts';
import { abortedBy } from './wire/call-bound.ts';
import { headerValue } from './header-policy.ts';
import { KeyPatience, type WaitingRoom } from './key-patience.ts';
import type { KeyRenewal } from './key-renewal.ts';
import { type FoundKey, KeySearch } from './key-search.ts';
import { isRetryable, retryDelayMs } from './retry.ts';
import type { Answer } from './wire/upstream-call.ts';
import { UpstreamFailure } from './wire/upstream-failure.ts';

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
  /** As it stands in labels. */
  readonly route: string;
  readonly model: string;
  /** The caller's own credential, which is used as it is; otherwise the pool serves the call. */
  readonly byok: Credential | undefined;
  readonly pool: KeyPool | undefined;
  /** Aborted when the caller is gone, or the call has taken too long. */
  readonly signal: AbortSignal;
  send(attempt: Attempt): Promise<Answer>;
  inspect(answer: Answer, credential: Credential): Promise<T>;
  nextOrdinal(): number;
  readonly witness: AttemptWitness;
}

export interface FailoverSettings extends Omit<VerdictSettings, 'nowMs'> {
  readonly provider: Provider;
  readonly retriesMax: number;
  /** Undefined where keys last as long as they are not replaced. */
  readonly renewal: Pick<KeyRenewal, 'run'> | undefined;
  /** Where calls wait when every key is sidelined. */
  readonly waitingRoom: WaitingRoom;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** An answer to be relayed, be it an error. Whoever relays it finishes the attempt. */
interface Answered<T> {
  readonly kind: 'answered';
  readonly inspected: T;
  readonly attempt: Attempt;
  /**
   * Told of an error that opens the answer, but came when the answer had been handed out:
   * too late for another key, and the key that it is about is marked all the same.
   */
  readonly openedWith: (error: UpstreamError) => void;
}

interface Failed {
  readonly kind: 'failed';
  readonly failure: UpstreamFailure;
  /** What the provider had answered before it failed; null when it was not even a status. */
  readonly status: number | null;
}

export type CallResult<T> =
  Answered<T> | Failed | { readonly kind: 'exhausted'; readonly exhausted: PoolExhausted };

/** What the key is to be blamed for, if anything, along with the answer that says so. */
type KeyResult<T> = Judged<T> | Failed;

interface Judged<T> extends Omit<Answered<T>, 'openedWith'> {
  readonly verdict: KeyVerdict;
}

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
  if (call.signal.aborted) return ended(call);
  if (call.byok !== undefined) return callWithOwnKey(call, call.byok, settings);
  if (call.pool === undefined) {
    return { kind: 'exhausted', exhausted: new PoolExhausted('permanent', 0) };
  }
  await settings.renewal?.run();
  const patience = new KeyPatience(settings.waitingRoom, call.signal);
  try {
    return await callWithPool(call, new KeySearch(call.pool, call.model, patience), settings);
  } finally {
    if (patience.waitedMs > 0) call.witness.waitedForKey(patience.waitedMs);
  }
}

async function callWithPool<T extends InspectedAnswer>(
  call: LogicalCall<T>,
  search: KeySearch,
  settings: FailoverSettings,
): Promise<CallResult<T>> {
  while (!call.signal.aborted) {
    const found = await search.next();
    if (found instanceof PoolExhausted) {
      return call.signal.aborted ? ended(call) : { kind: 'exhausted', exhausted: found };
    }
    const result = await callWithFoundKey(call, found, settings);
    if (result.kind === 'failed') return result;
    if (result.verdict.kind === 'healthy') return handedOut(call, found.key, result, settings);
    // What has been looked at is all that is wanted of the body; a longer one loses its connection.
    result.inspected.answer.body.cancel();
    giveUpKey(call, found.key, result.verdict, result);
  }
  return ended(call);
}

async function callWithFoundKey<T extends InspectedAnswer>(
  call: LogicalCall<T>,
  { key, end }: FoundKey,
  settings: FailoverSettings,
): Promise<KeyResult<T>> {
  let isServed = false;
  try {
    const { secret } = key;
    const scheme = settings.provider.auth;
    const result = await callWithKey(call, { kind: 'centralized', secret, scheme }, settings);
    isServed = result.kind === 'answered' && serves(result);
    return result;
  } finally {
    end(isServed);
  }
}

/** Whether the key has plainly been let in: an error that is not about it may have come before any limit. */
function serves<T extends InspectedAnswer>({ verdict, inspected }: Judged<T>): boolean {
  const { answer, error } = inspected;
  return verdict.kind === 'healthy' && answer.status < 400 && error === undefined;
}

async function callWithOwnKey<T extends InspectedAnswer>(
  call: LogicalCall<T>,
  byok: Credential,
  settings: FailoverSettings,
): Promise<CallResult<T>> {
  const result = await callWithKey(call, byok, settings);
  return result.kind === 'failed' ? result : { ...result, openedWith: () => undefined };
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
    const delayMs = retryDelayMs(result, retry, settings);
    if (delayMs === undefined) return result;
    if (result.kind === 'answered') abandon(result);
    if (!(await waited(delayMs, call.signal))) return ended(call);
  }
}

async function callOnce<T extends InspectedAnswer>(
  call: LogicalCall<T>,
  credential: Credential,
  settings: FailoverSettings,
): Promise<KeyResult<T>> {
  const attempt = new Attempt(call.nextOrdinal(), credential, settings.clock, call.witness);
  try {
    const answer = await call.send(attempt);
    attempt.headArrived(answer.status);
    const inspected = await call.inspect(answer, credential);
    attempt.answered();
    const verdict = judge(inspected, credential, settings);
    if (verdict.kind === 'healthy' && inspected.failure !== undefined) throw inspected.failure;
    return { kind: 'answered', inspected, attempt, verdict };
  } catch (error) {
    if (!(error instanceof UpstreamFailure)) throw error;
    attempt.fail(error);
    return { kind: 'failed', failure: error, status: attempt.status };
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

function handedOut<T extends InspectedAnswer>(
  call: LogicalCall<T>,
  key: PoolKey,
  result: Judged<T>,
  settings: FailoverSettings,
): Answered<T> {
  const { inspected, attempt } = result;
  return {
    ...result,
    openedWith(error) {
      const known = { ...inspected, error };
      const verdict = judge(known, attempt.credential, settings);
      if (verdict.kind !== 'healthy') giveUpKey(call, key, verdict, { inspected: known, attempt });
    },
  };
}

/** Marks the key and ends the attempt, once. */
function giveUpKey<T extends InspectedAnswer>(
  call: LogicalCall<T>,
  key: PoolKey,
  verdict: Exclude<KeyVerdict, { kind: 'healthy' }>,
  { inspected, attempt }: Pick<Answered<T>, 'inspected' | 'attempt'>,
): void {
  call.pool?.mark(key, verdict, { status: inspected.answer.status, model: call.model });
  attempt.finish({
    outcome: verdict.reason,
    cooldownMs: verdict.kind === 'cool' ? (call.pool?.cooldownMs(verdict) ?? null) : null,
    error: inspected.error?.message ?? null,
  });
}

function abandon<T extends InspectedAnswer>({ inspected, attempt }: Judged<T>): void {
  inspected.answer.body.cancel();
  attempt.finish({ outcome: 'server_error', error: inspected.error?.message ?? null });
}

/** The caller has gone, or it has taken too long. */
function ended({ signal }: { readonly signal: AbortSignal }): Failed {
  return { kind: 'failed', failure: abortedBy(signal), status: null };
}
