import type { Call } from '../simulator/index.ts';
import { sentEvents } from './sent-stream.ts';
import type { TruthApi } from './truth-api.ts';

export interface KeyRefusal {
  readonly outcome: 'rate_limited' | 'quota_exhausted' | 'unauthorized' | 'forbidden';
  /** Null: for good. */
  readonly cooldownMs: number | null;
}

export const DEFAULT_COOLDOWN_MS = 600;
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
  if (status >= 400 && isQuota) return quotaExhausted();
  const outcome = OUTCOME_OF_STATUS[status === 200 ? statusOfFirstEvent(call, api) : status];
  if (outcome === undefined) return undefined;
  if (outcome === 'quota_exhausted') return quotaExhausted();
  return { outcome, cooldownMs: outcome === 'rate_limited' ? cooldownMs(headers) : null };
}

function quotaExhausted(): KeyRefusal {
  return { outcome: 'quota_exhausted', cooldownMs: QUOTA_COOLDOWN_MS };
}

function statusOfFirstEvent(call: Call, api: TruthApi): number {
  const [first] = call.isStreaming ? sentEvents(call.sent.bytes) : [];
  return STATUS_OF_ERROR[(first && api.errorOf(first)) ?? ''] ?? 200;
}

function cooldownMs(headers: Call['sent']['headers']): number {
  const inMs = Number(headers['retry-after-ms'] ?? 0);
  const inSeconds = Number(headers['retry-after'] ?? 0);
  return inMs || inSeconds * 1_000 || DEFAULT_COOLDOWN_MS;
}
