import { parseTimestampMs } from '../core/header-time.ts';
import type { JsonObject } from '../core/json.ts';
import { ACCOUNT_LIMITED, vendorSentence } from './error-wording.ts';
import type { KeyFailures, RateLimit } from './key-failures.ts';
import type { BridgeFault } from './provider.ts';

const ERROR_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/** Spoken by Anthropic, and by whoever has its models and its API. */
export const ANTHROPIC_FAILURES: KeyFailures = {
  statusOf: {
    invalid_request_error: 400,
    authentication_error: 401,
    billing_error: 402,
    permission_error: 403,
    not_found_error: 404,
    request_too_large: 413,
    rate_limit_error: 429,
    api_error: 500,
    timeout_error: 504,
    overloaded_error: 529,
  },
  quotaExhausted: [
    { type: 'billing_error' },
    {
      type: 'invalid_request_error',
      message: vendorSentence('your credit balance is too low'),
    },
    {
      type: 'invalid_request_error',
      message: vendorSentence('you have reached your specified (?:workspace )?api usage limits'),
    },
  ],
  accountLimited: ACCOUNT_LIMITED,
  // The type says "known, but not allowed to"; some wordings of it speak of the key itself.
  modelForbidden: [
    {
      type: 'permission_error',
      message: /^(?!.*\b(?:revoked|disabled|expired|suspended)\b)/is,
    },
  ],
  rateLimits: ['requests', 'tokens', 'input-tokens', 'output-tokens'].map((limit): RateLimit => ({
    remaining: `anthropic-ratelimit-${limit}-remaining`,
    reset: `anthropic-ratelimit-${limit}-reset`,
    readReset: parseTimestampMs,
  })),
};

export function renderAnthropicError(fault: BridgeFault): JsonObject {
  const { status, message, interceptionId } = fault;
  const type = anthropicErrorType(status);
  return { type: 'error', error: { type, message }, request_id: interceptionId };
}

export function anthropicErrorType(status: number): string {
  return ERROR_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
}
