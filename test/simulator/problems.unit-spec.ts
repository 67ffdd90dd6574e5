import Anthropic, { APIError as AnthropicError } from '@anthropic-ai/sdk';
import OpenAI, { APIError as OpenAIError } from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import {
  badRequest,
  creditExhausted,
  forbidden,
  overloaded,
  rateLimited,
  serverError,
  startSimulator,
  unauthorized,
  type Behaviour,
  type Simulator,
} from './index.ts';

const KEY = 'sk-problem';

describe('simulated errors', () => {
  let sim: Simulator;

  beforeAll(async () => {
    sim = await startSimulator();
  });
  afterEach(() => {
    sim.clear();
  });
  afterAll(async () => {
    await sim.close();
  });

  const anthropicError = async (behaviour: Behaviour): Promise<unknown> => {
    sim.key(KEY).always(behaviour);
    const client = new Anthropic({ apiKey: KEY, baseURL: sim.url, maxRetries: 0 });
    const body = { model: 'm', max_tokens: 1, messages: [] };
    return client.messages.create(body).catch((error: unknown) => error);
  };
  const openaiError = async (behaviour: Behaviour): Promise<unknown> => {
    sim.key(KEY).always(behaviour);
    const client = new OpenAI({ apiKey: KEY, baseURL: sim.url, maxRetries: 0 });
    const body = { model: 'm', messages: [] };
    return client.chat.completions.create(body).catch((error: unknown) => error);
  };

  it.each<[string, Behaviour, number, string]>([
    ['rate limit', rateLimited(), 429, 'rate_limit_error'],
    ['revoked key', unauthorized(), 401, 'authentication_error'],
    ['forbidden key', forbidden(), 403, 'permission_error'],
    ['forbidden model', forbidden({ about: 'model' }), 403, 'permission_error'],
    ['no credit as 402', creditExhausted(), 402, 'billing_error'],
    ['no credit as 400', creditExhausted({ status: 400 }), 400, 'invalid_request_error'],
    ['bad request', badRequest(), 400, 'invalid_request_error'],
    ['server error', serverError(), 500, 'api_error'],
    ['gateway error', serverError(502), 502, 'api_error'],
    ['overload', overloaded(), 529, 'overloaded_error'],
    ['own words', forbidden({ type: 'odd_error', message: 'odd' }), 403, 'odd_error'],
  ])('come in the envelope of Anthropic: %s', async (_, behaviour, status, type) => {
    const error = await anthropicError(behaviour);
    expect(error).toBeInstanceOf(AnthropicError);
    expect(error).toMatchObject({
      status,
      error: { type: 'error', error: { type }, request_id: expect.stringMatching(/^req_\d+$/) },
    });
  });

  it.each<[string, Behaviour, number, { type: string; code: string | null }]>([
    ['rate limit', rateLimited(), 429, { type: 'requests', code: 'rate_limit_exceeded' }],
    [
      'revoked key',
      unauthorized(),
      401,
      { type: 'invalid_request_error', code: 'invalid_api_key' },
    ],
    [
      'no credit',
      creditExhausted({ status: 429 }),
      429,
      { type: 'insufficient_quota', code: 'insufficient_quota' },
    ],
    [
      'forbidden model',
      forbidden({ about: 'model' }),
      403,
      { type: 'invalid_request_error', code: 'model_not_found' },
    ],
    ['server error', serverError(503), 503, { type: 'server_error', code: null }],
    [
      'own words',
      badRequest({ code: 'too_long' }),
      400,
      { type: 'invalid_request_error', code: 'too_long' },
    ],
  ])('come in the envelope of OpenAI: %s', async (_, behaviour, status, words) => {
    const error = await openaiError(behaviour);
    expect(error).toBeInstanceOf(OpenAIError);
    expect(error).toMatchObject({ status, error: { ...words, param: null } });
  });

  it.each<[string, Behaviour, Record<string, string>]>([
    ['none', rateLimited(), {}],
    ['seconds', rateLimited({ retryAfter: 5 }), { 'retry-after': '5' }],
    ['decimals', rateLimited({ retryAfter: 0.5 }), { 'retry-after': '0.5' }],
    [
      'a date',
      rateLimited({ retryAfter: new Date(0) }),
      { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' },
    ],
    ['milliseconds', rateLimited({ retryAfterMs: 1500 }), { 'retry-after-ms': '1500' }],
    [
      'resets of Anthropic',
      rateLimited({ anthropicReset: { 'input-tokens': { remaining: 0, resetAt: new Date(0) } } }),
      {
        'anthropic-ratelimit-input-tokens-limit': '1000',
        'anthropic-ratelimit-input-tokens-remaining': '0',
        'anthropic-ratelimit-input-tokens-reset': '1970-01-01T00:00:00.000Z',
      },
    ],
    [
      'resets of OpenAI',
      rateLimited({ openaiReset: { requests: { remaining: 0, resetIn: '6m0s' } } }),
      {
        'x-ratelimit-limit-requests': '1000',
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '6m0s',
      },
    ],
    [
      'anything',
      rateLimited({ headers: { 'x-should-retry': 'false' } }),
      { 'x-should-retry': 'false' },
    ],
  ])(
    'carry the rate-limit headers of the script and no others: %s',
    async (_, behaviour, headers) => {
      sim.key(KEY).always(behaviour);
      const response = await fetch(`${sim.url}/v1/messages`, {
        method: 'POST',
        headers: { 'x-api-key': KEY },
      });
      const limits = [...response.headers].filter(([name]) => /retry|ratelimit/.test(name));
      expect(Object.fromEntries(limits)).toEqual(headers);
    },
  );
});
