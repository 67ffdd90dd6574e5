import type { Call } from '../simulator/index.ts';
import { sentEvents } from './sent-stream.ts';
import type { TruthApi } from './truth-api.ts';

export interface KeyRefusal {
  readonly outcome: 'rate_limited' | 'quota_exhausted' | 'unauthorized' | 'forbidden';
  /** Null: for good. */
  readonly cooldownMs: number | null;
  /** The provider has not said for how long. */
  readonly isGuess: boolean;
  /** What it sidelines: the key for the model that was asked, the key, or all keys of its account. */
  readonly scope: 'model' | 'key' | 'account';
}

/** Longer than a guess holds before one call may find out about it, and than bridges take to tell. */
export const DEFAULT_COOLDOWN_MS = 8_000;
const QUOTA_COOLDOWN_MS = 15 * 60_000;

const OUTCOME_OF_STATUS: Readonly<Record<number, KeyRefusal['outcome']>> = {
  401: 'unauthorized',
  402: 'quota_exhausted',
  403: 'forbidden',
  429: 'rate_limited',
};

const STATUS_OF_ERROR: Readonly<Record<string, number>> = {
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  authentication_error: 401,
  invalid_api_key: 401,
};

/** What a provider's answer says against the key, by the table of the contract; undefined for nothing. */
export function refusalIn(call: Call, api: TruthApi): KeyRefusal | undefined {
  const { status, text, headers } = call.sent;
  if (status === null) return undefined;
  const isQuota = /credit balance is too low|exceeded your current quota/.test(text);
  if (status >= 400 && isQuota) return QUOTA_EXHAUSTED;
  const outcome = OUTCOME_OF_STATUS[status === 200 ? statusOfFirstEvent(call, api) : status];
  if (outcome === undefined) return undefined;
  if (outcome === 'quota_exhausted') return QUOTA_EXHAUSTED;
  if (outcome !== 'rate_limited')
    return { outcome, cooldownMs: null, isGuess: false, scope: 'key' };
  const namedMs = namedCooldownMs(headers);
  return {
    outcome,
    cooldownMs: namedMs || DEFAULT_COOLDOWN_MS,
    isGuess: namedMs === 0,
    scope: /\ball models\b/.test(text) ? 'account' : 'model',
  };
}

/** What is recorded of the attempt. */
export function factsOf({
  outcome,
  cooldownMs,
}: KeyRefusal): Pick<KeyRefusal, 'outcome' | 'cooldownMs'> {
  return { outcome, cooldownMs };
}

const QUOTA_EXHAUSTED: KeyRefusal = {
  outcome: 'quota_exhausted',
  cooldownMs: QUOTA_COOLDOWN_MS,
  isGuess: false,
  scope: 'account',
};

function statusOfFirstEvent(call: Call, api: TruthApi): number {
  const [first] = call.isStreaming ? sentEvents(call.sent.bytes) : [];
  return STATUS_OF_ERROR[(first && api.errorOf(first)) ?? ''] ?? 200;
}

function namedCooldownMs(headers: Call['sent']['headers']): number {
  const inMs = Number(headers['retry-after-ms'] ?? 0);
  const inSeconds = Number(headers['retry-after'] ?? 0);
  return inMs || inSeconds * 1_000;
}
