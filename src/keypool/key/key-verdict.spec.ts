import { describe, expect, it } from 'vitest';
import { Secret } from '../../core/secret.ts';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { ANTHROPIC } from '../../providers/anthropic/index.ts';
import { OPENAI } from '../../providers/openai/index.ts';
import type { Provider } from '../../providers/provider.ts';
import { KeyPool } from '../pool/key-pool.ts';
import { classify, type KeyVerdict } from './key-verdict.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const MINUTES_15 = 15 * 60_000;

interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly cooldownScope?: 'key' | 'model';
  readonly forbiddenScope?: 'key' | 'model';
}

function judge(provider: Provider, reply: Reply): string {
  return shown(verdictOn(provider, reply));
}

function verdictOn(provider: Provider, reply: Reply): KeyVerdict {
  const { status, headers = {}, body, cooldownScope = 'key', forbiddenScope = 'key' } = reply;
  const error = provider.readError(body);
  return classify({ status, headers: new Headers(headers), error }, provider.failures, {
    nowMs: NOW_MS,
    cooldownScope,
    forbiddenScope,
  });
}

function shown(verdict: KeyVerdict): string {
  if (verdict.kind === 'healthy') return 'healthy';
  if (verdict.kind === 'cool') return `${verdict.reason} ${verdict.forMs}`;
  return `${verdict.reason} ${verdict.scope}`;
}

const anthropic = (type: string, message = 'm') => ({ type: 'error', error: { type, message } });
const openai = (fields: object) => ({ error: { message: 'm', param: null, ...fields } });

const inSeconds = (seconds: number) => new Date(NOW_MS + seconds * 1_000).toISOString();

// B9, a failure without an answer, has nothing to be judged by: it never gets here.
describe('T-B what a reply does to the key', () => {
  it.each([
    ['B1', { status: 429, headers: { 'Retry-After': '5' } }, 'temporary', 5_000],
    ['B2', { status: 429, headers: { 'Retry-After-Ms': '1500' } }, 'temporary', 1_500],
    ['B3', { status: 429 }, 'temporary', 60_000],
    ['B4', { status: 401 }, 'permanent', Infinity],
    ['B5', { status: 403 }, 'permanent', Infinity],
    ['B6', { status: 200 }, 'valid', 0],
    ['B7', { status: 500 }, 'valid', 0],
    ['B8', { status: 529 }, 'valid', 0],
  ] as const)('%s', (_, reply, state, validAfterMs) => {
    const clock = new FakeClock(NOW_MS);
    const settings = { provider: 'p', clock, cooldownDefaultMs: 60_000, cooldownMaxMs: 3_600_000 };
    for (const provider of [ANTHROPIC, OPENAI]) {
      const pool = new KeyPool([new Secret('the-key')], settings);
      const kind = () => pool.snapshot()[0]?.state.kind;
      for (const key of pool.keys) pool.mark(key, verdictOn(provider, reply), reply);
      expect(kind()).toBe(state);
      if (validAfterMs === 0) continue;
      clock.advanceMs(Math.min(validAfterMs, 365 * 86_400_000) - 1);
      expect(kind()).toBe(state);
      clock.advanceMs(1);
      expect(kind()).toBe(validAfterMs === Infinity ? 'permanent' : 'valid');
    }
  });
});

describe('what a reply says about its key', () => {
  it.each([
    ['503', { status: 503, headers: { 'retry-after': '5' } }, 'healthy'],
    ['504', { status: 504 }, 'healthy'],
    ['400', { status: 400 }, 'healthy'],
    ['404', { status: 404 }, 'healthy'],
    ['408', { status: 408 }, 'healthy'],
    ['409', { status: 409 }, 'healthy'],
    ['402', { status: 402, headers: { 'retry-after': '5' } }, `quota_exhausted ${MINUTES_15}`],
  ] as const)('%s is the same for every provider', (_, reply, verdict) => {
    expect(judge(ANTHROPIC, reply)).toBe(verdict);
    expect(judge(OPENAI, reply)).toBe(verdict);
  });

  it.each([
    [
      'Anthropic',
      ANTHROPIC,
      400,
      anthropic(
        'invalid_request_error',
        'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
      ),
    ],
    [
      'Anthropic',
      ANTHROPIC,
      400,
      anthropic(
        'invalid_request_error',
        'You have reached your specified API usage limits. You will regain access on 2026-02-01 at 00:00 UTC.',
      ),
    ],
    ['Anthropic', ANTHROPIC, 403, anthropic('billing_error')],
    ['OpenAI', OPENAI, 429, openai({ type: 'insufficient_quota', code: 'insufficient_quota' })],
    ['OpenAI', OPENAI, 403, openai({ code: 'insufficient_quota' })],
    ['OpenAI', OPENAI, 400, openai({ code: 'billing_hard_limit_reached' })],
    [
      'OpenAI',
      OPENAI,
      429,
      openai({
        message:
          'You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.',
      }),
    ],
    ['OpenAI', OPENAI, 500, openai({ type: 'insufficient_quota' })],
  ])(
    '%s: a used-up quota under status $2 cools the key for 15 minutes',
    (_, provider, status, body) => {
      expect(judge(provider, { status, body })).toBe(`quota_exhausted ${MINUTES_15}`);
    },
  );

  // One caller with a cleverly named field must not take every key away from everybody.
  it.each([
    anthropic(
      'invalid_request_error',
      'Your credit balance is too low: Extra inputs are not permitted',
    ),
    anthropic('invalid_request_error', 'model: your credit balance is too low'),
    anthropic('not_found_error', 'Your credit balance is too low'),
    anthropic(
      'invalid_request_error',
      'You have reached your specified API usage limits.: Extra inputs are not permitted',
    ),
  ])('a caller cannot word a request so that %j cools a key', (body) => {
    expect(judge(ANTHROPIC, { status: 400, body })).toBe('healthy');
  });

  it.each([
    ['<html>blocked</html>'],
    [{}],
    [{ error: 'authentication failed' }],
    [anthropic('authentication_error')],
    [anthropic('some_new_error', 'invalid api key')],
    [openai({ code: 'invalid_api_key' })],
    [openai({ code: 'never_heard_of' })],
  ])('the body %j never marks a key under another status', (body) => {
    for (const status of [400, 404, 409, 422, 500, 502, 503, 529]) {
      expect(judge(ANTHROPIC, { status, body })).toBe('healthy');
      expect(judge(OPENAI, { status, body })).toBe('healthy');
    }
  });
});

describe('X1 a 403 about a model, with the forbidden scope "model"', () => {
  it.each([
    [
      'Anthropic',
      ANTHROPIC,
      anthropic(
        'permission_error',
        'Your API key does not have permission to use the specified resource.',
      ),
      'model',
    ],
    ['Anthropic', ANTHROPIC, anthropic('permission_error', 'OAuth token has been revoked.'), 'key'],
    ['Anthropic', ANTHROPIC, anthropic('authentication_error', 'invalid x-api-key'), 'key'],
    ['Anthropic', ANTHROPIC, '<html>', 'key'],
    ['OpenAI', OPENAI, openai({ code: 'model_not_found' }), 'model'],
    [
      'OpenAI',
      OPENAI,
      openai({ message: 'Project `p` does not have access to model `m`' }),
      'model',
    ],
    ['OpenAI', OPENAI, openai({ message: 'Missing scopes: model.request' }), 'model'],
    ['OpenAI', OPENAI, openai({ code: 'account_deactivated' }), 'key'],
    ['OpenAI', OPENAI, undefined, 'key'],
  ] as const)('%s: $2', (_, provider, body, scope) => {
    expect(judge(provider, { status: 403, body, forbiddenScope: 'model' })).toBe(
      `forbidden ${scope}`,
    );
    expect(judge(provider, { status: 403, body })).toBe('forbidden key');
    expect(judge(provider, { status: 401, body, forbiddenScope: 'model' })).toBe(
      'unauthorized key',
    );
  });
});

describe('a rate limit, with the cooldown scope "model"', () => {
  const ORGANISATION = "This request would exceed your organization's rate limit of 50,000 tokens.";
  const ACCOUNT = "This request would exceed your account's rate limit. Please try again later.";
  const MODEL =
    'Rate limit reached for gpt-5 in organization org-1 on tokens per min. Visit https://platform.openai.com/account/rate-limits.';
  it.each([
    ['nothing more', ANTHROPIC, undefined, 'model'],
    ['a limit that the organisation has for each model', ANTHROPIC, ORGANISATION, 'model'],
    ['a limit of the account', ANTHROPIC, ACCOUNT, 'account'],
    ['a limit of a model', OPENAI, MODEL, 'model'],
    ['a limit for all models', OPENAI, 'Rate limit reached for all models.', 'account'],
  ] as const)('is one of what it says: %s', (_, provider, message, scope) => {
    const body =
      provider === ANTHROPIC
        ? anthropic('rate_limit_error', message)
        : openai({ code: 'rate_limit_exceeded', message });
    for (const status of [429, 200]) {
      const verdict = verdictOn(provider, { status, body, cooldownScope: 'model' });
      expect(verdict).toMatchObject({ reason: 'rate_limited', scope });
      const byKey = scope === 'model' ? 'key' : scope;
      expect(verdictOn(provider, { status, body })).toMatchObject({ scope: byKey });
    }
  });

  it('leaves a used-up quota one of the account', () => {
    const verdict = verdictOn(ANTHROPIC, { status: 402, cooldownScope: 'model' });
    expect(verdict).toMatchObject({ reason: 'quota_exhausted', scope: 'account' });
  });
});

describe('an error as the first event of a 200 stream counts like the status it names', () => {
  it.each([
    [ANTHROPIC, anthropic('rate_limit_error'), 'rate_limited 0'],
    [ANTHROPIC, anthropic('authentication_error'), 'unauthorized key'],
    [ANTHROPIC, anthropic('permission_error'), 'forbidden key'],
    [ANTHROPIC, anthropic('billing_error'), `quota_exhausted ${MINUTES_15}`],
    [ANTHROPIC, anthropic('overloaded_error'), 'healthy'],
    [ANTHROPIC, anthropic('api_error'), 'healthy'],
    [ANTHROPIC, anthropic('constructor'), 'healthy'],
    [ANTHROPIC, anthropic('some_new_error'), 'healthy'],
    [OPENAI, openai({ code: 'rate_limit_exceeded' }), 'rate_limited 0'],
    [OPENAI, openai({ type: 'tokens' }), 'rate_limited 0'],
    [OPENAI, { type: 'error', code: 'rate_limit_exceeded', message: 'm' }, 'rate_limited 0'],
    [OPENAI, openai({ code: 'insufficient_quota' }), `quota_exhausted ${MINUTES_15}`],
    [
      OPENAI,
      openai({ code: 'invalid_api_key', type: 'invalid_request_error' }),
      'unauthorized key',
    ],
    [OPENAI, openai({ code: 429 }), 'rate_limited 0'],
    [OPENAI, openai({ type: 'server_error' }), 'healthy'],
    [OPENAI, { id: 'chatcmpl-1', error: null }, 'healthy'],
  ] as const)('%o: %j', (provider, body, verdict) => {
    expect(judge(provider, { status: 200, body })).toBe(verdict);
  });
});

describe('the reset headers of a provider', () => {
  it.each([
    [
      'the one limit that is used up',
      ANTHROPIC,
      {
        'anthropic-ratelimit-requests-remaining': '12',
        'anthropic-ratelimit-requests-reset': inSeconds(90),
        'anthropic-ratelimit-input-tokens-remaining': '0',
        'anthropic-ratelimit-input-tokens-reset': inSeconds(7),
      },
      7_000,
    ],
    [
      'the latest of several used-up limits',
      ANTHROPIC,
      {
        'anthropic-ratelimit-requests-remaining': '0',
        'anthropic-ratelimit-requests-reset': inSeconds(3),
        'anthropic-ratelimit-output-tokens-remaining': '0',
        'anthropic-ratelimit-output-tokens-reset': inSeconds(11),
      },
      11_000,
    ],
    [
      'none, when none is used up',
      ANTHROPIC,
      {
        'anthropic-ratelimit-requests-remaining': '1',
        'anthropic-ratelimit-requests-reset': inSeconds(3),
      },
      0,
    ],
    [
      'none, when the remaining count is not told',
      ANTHROPIC,
      {
        'anthropic-ratelimit-requests-reset': inSeconds(3),
      },
      0,
    ],
    [
      'Retry-After before any of them',
      ANTHROPIC,
      {
        'retry-after': '2',
        'anthropic-ratelimit-requests-remaining': '0',
        'anthropic-ratelimit-requests-reset': inSeconds(90),
      },
      2_000,
    ],
    [
      'the durations of OpenAI',
      OPENAI,
      {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '6m0s',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '20ms',
      },
      360_000,
    ],
    [
      "nothing of another provider's headers",
      OPENAI,
      {
        'anthropic-ratelimit-requests-remaining': '0',
        'anthropic-ratelimit-requests-reset': inSeconds(3),
      },
      0,
    ],
  ] as const)('name %s', (_, provider, headers, forMs) => {
    expect(judge(provider, { status: 429, headers })).toBe(`rate_limited ${forMs}`);
  });
});
