import { classify, effectiveStatus, type UpstreamReply } from '../keypool/index.ts';
import type { UpstreamError } from '../providers/index.ts';
import type { CallHealth } from './breaker/breaker.ts';
import type { Breakers, GuardedCall, RefusedCall } from './breaker/breakers.ts';
import {
  callWithFailover,
  type CallResult,
  type FailoverSettings,
  type InspectedAnswer,
  type LogicalCall,
} from './failover.ts';
import { headerValue } from './header-policy.ts';

/** How an answer ended that was handed out. */
export interface RelayedEnd {
  readonly kind: 'complete' | 'caller_left' | 'upstream_failed';
  /** The provider's, wherever in the answer it stood. */
  readonly error: UpstreamError | undefined;
}

type Answered<T> = Extract<CallResult<T>, { kind: 'answered' }>;

/** Whoever relays the answer says how that went. */
export type GuardedAnswer<T> = Answered<T> & { readonly relayed: (end: RelayedEnd) => void };

export type GuardedResult<T> =
  | GuardedAnswer<T>
  | Exclude<CallResult<T>, Answered<T>>
  | ({ readonly kind: 'breaker_open' } & RefusedCall);

export interface GuardSettings extends FailoverSettings {
  /** Undefined where there are none to be. */
  readonly breakers: Breakers | undefined;
}

/**
 * One call behind the circuit breaker of its way. While that is open nothing is tried and no key
 * is looked at. What counts is what the provider itself did: never an error that is about a key,
 * an answer of the bridge's own, or a caller that went away.
 */
export async function callBehindBreaker<T extends InspectedAnswer>(
  call: LogicalCall<T>,
  settings: GuardSettings,
): Promise<GuardedResult<T>> {
  const { route, model, byok } = call;
  const credentialKind = byok === undefined ? 'centralized' : 'byok';
  const guarded = settings.breakers?.enter({ route, model, credentialKind }) ?? UNGUARDED;
  if ('refusesForMs' in guarded) return { kind: 'breaker_open', ...guarded };
  try {
    const result = await callWithFailover(call, settings);
    if (result.kind === 'answered') return guardedAnswer(call, result, guarded, settings);
    const isFailure = result.kind === 'failed' && !call.signal.aborted;
    guarded.ended(isFailure ? 'failed' : 'unknown');
    return result;
  } catch (error) {
    guarded.ended('unknown');
    throw error;
  }
}

function guardedAnswer<T extends InspectedAnswer>(
  { signal }: LogicalCall<T>,
  result: Answered<T>,
  guarded: GuardedCall,
  settings: FailoverSettings,
): GuardedAnswer<T> {
  const { answer, error: openingError } = result.inspected;
  const headers = { get: (name: string) => headerValue(answer.headers, name) };
  const healthWith = (error: UpstreamError | undefined): CallHealth =>
    healthOf({ status: answer.status, headers, error }, settings);
  const health = healthWith(openingError);
  if (health !== 'served') {
    guarded.ended(health);
    return { ...result, relayed: () => undefined };
  }
  guarded.answering();
  return {
    ...result,
    relayed({ kind, error }) {
      if (error !== undefined || kind === 'complete') guarded.ended(healthWith(error));
      // The bound of the whole call does not ask whose fault it is that it took so long.
      else guarded.ended(kind === 'caller_left' || signal.aborted ? 'unknown' : 'failed');
    },
  };
}

/** What a reply shows of the provider. A request that it finds wrong is served well. */
function healthOf(reply: UpstreamReply, settings: FailoverSettings): CallHealth {
  const { failures } = settings.provider;
  const verdict = classify(reply, failures, { ...settings, nowMs: settings.clock.nowMs() });
  if (verdict.kind !== 'healthy') return 'unknown';
  const status = effectiveStatus(reply, failures);
  if (status >= 500) return 'failed';
  return status < 400 && reply.error !== undefined ? 'unknown' : 'served';
}

const UNGUARDED: GuardedCall = { answering: () => undefined, ended: () => undefined };
