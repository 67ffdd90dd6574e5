import type { ErrorCode } from '../core/errors.ts';
import { parseDurationMs } from '../core/header-time.ts';
import type { JsonObject } from '../core/json.ts';
import { ACCOUNT_LIMITED, vendorSentence } from './error-wording.ts';
import type { KeyFailures, RateLimit } from './key-failures.ts';
import type { BridgeFault } from './provider.ts';

const ERROR_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_error',
};

/** Where the vendor has a word of its own. Elsewhere the bridge's code stands for itself. */
const VENDOR_WORDS: Partial<Record<ErrorCode, { readonly type: string; readonly code: string }>> = {
  keys_rate_limited: { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  keys_rejected: { type: 'api_error', code: 'server_error' },
  breaker_open: { type: 'server_error', code: 'service_unavailable' },
};

/** Spoken by OpenAI, by Copilot, and by the many servers that imitate them. */
export const OPENAI_FAILURES: KeyFailures = {
  statusOf: {
    invalid_request_error: 400,
    invalid_api_key: 401,
    authentication_error: 401,
    account_deactivated: 401,
    permission_error: 403,
    insufficient_permissions: 403,
    missing_scope: 403,
    model_not_found: 404,
    not_found_error: 404,
    rate_limit_exceeded: 429,
    rate_limit_error: 429,
    insufficient_quota: 429,
    requests: 429,
    tokens: 429,
    server_error: 500,
    api_error: 500,
    internal_error: 500,
    service_unavailable: 503,
    server_is_overloaded: 503,
  },
  quotaExhausted: [
    { code: 'insufficient_quota' },
    { type: 'insufficient_quota' },
    { code: 'billing_hard_limit_reached' },
    { code: 'billing_not_active' },
    { type: 'billing_error' },
    { message: vendorSentence('you exceeded your current quota') },
  ],
  accountLimited: ACCOUNT_LIMITED,
  modelForbidden: [
    { code: 'model_not_found' },
    { code: 'missing_scope' },
    { code: 'insufficient_permissions' },
    { type: 'insufficient_permissions' },
    { message: /\b(?:model|feature|scope)s?\b/i },
  ],
  rateLimits: ['requests', 'tokens', 'project-tokens'].map((limit): RateLimit => ({
    remaining: `x-ratelimit-remaining-${limit}`,
    reset: `x-ratelimit-reset-${limit}`,
    readReset: parseDurationMs,
  })),
};

export function renderOpenAiError({ status, code, message }: BridgeFault): JsonObject {
  const fallback = status < 500 ? 'invalid_request_error' : 'server_error';
  const words = VENDOR_WORDS[code] ?? { type: ERROR_TYPES[status] ?? fallback, code };
  return { error: { message, type: words.type, param: null, code: words.code } };
}
