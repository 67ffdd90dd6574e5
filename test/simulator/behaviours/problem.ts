import type { Behaviour, HeaderBag } from './behaviour.ts';

/** What went wrong, in words all vendors share; the renderers know each vendor's wording. */
export type ProblemKind =
  | 'bad_request'
  | 'unauthorized'
  | 'credit_exhausted'
  | 'forbidden'
  | 'model_forbidden'
  | 'not_found'
  | 'too_large'
  | 'rate_limited'
  | 'server_error'
  | 'overloaded';

export interface Problem {
  readonly kind: ProblemKind;
  readonly status: number;
  /** These three replace the vendor's own words. */
  readonly type?: string;
  readonly code?: string | null;
  readonly message?: string;
}

export type ProblemWords = Pick<Problem, 'type' | 'code' | 'message'>;

interface ErrorOptions extends ProblemWords {
  readonly headers?: HeaderBag;
}

interface AnthropicLimit {
  readonly remaining: number;
  readonly resetAt: Date | string;
  readonly limit?: number;
}

interface OpenAiLimit {
  readonly remaining: number;
  /** OpenAI writes durations: `1s`, `6m0s`, `120ms`. */
  readonly resetIn: string;
  readonly limit?: number;
}

interface RateLimitOptions extends ErrorOptions {
  /** Seconds, decimals allowed; or any other text, such as an HTTP date. */
  readonly retryAfter?: number | string | Date;
  readonly retryAfterMs?: number | string;
  readonly anthropicReset?: Readonly<
    Partial<Record<'requests' | 'tokens' | 'input-tokens' | 'output-tokens', AnthropicLimit>>
  >;
  readonly openaiReset?: Readonly<Partial<Record<'requests' | 'tokens', OpenAiLimit>>>;
}

const STATUS: Readonly<Record<ProblemKind, number>> = {
  bad_request: 400,
  unauthorized: 401,
  credit_exhausted: 402,
  forbidden: 403,
  model_forbidden: 403,
  not_found: 404,
  too_large: 413,
  rate_limited: 429,
  server_error: 500,
  overloaded: 529,
};

export function problem(
  kind: ProblemKind,
  words: ProblemWords & { status?: number } = {},
): Problem {
  return { kind, status: STATUS[kind], ...words };
}

/** 429 with exactly the headers that the options name; without options it carries none. */
export function rateLimited(options: RateLimitOptions = {}): Behaviour {
  const { retryAfter, retryAfterMs, anthropicReset, openaiReset, headers, ...words } = options;
  return failing('rate_limited', problem('rate_limited', words), {
    ...(retryAfter !== undefined && { 'retry-after': retryAfterText(retryAfter) }),
    ...(retryAfterMs !== undefined && { 'retry-after-ms': String(retryAfterMs) }),
    ...anthropicLimits(anthropicReset ?? {}),
    ...openAiLimits(openaiReset ?? {}),
    ...headers,
  });
}

export function unauthorized(options: ErrorOptions = {}): Behaviour {
  return failWith('unauthorized', options);
}

/** 403. `about: 'model'` refuses what was asked for, `key` (the default) the key itself. */
export function forbidden(options: ErrorOptions & { about?: 'key' | 'model' } = {}): Behaviour {
  const { about, ...rest } = options;
  return failWith(about === 'model' ? 'model_forbidden' : 'forbidden', rest);
}

/** 402, or with `status` the way vendors say it: 400 at Anthropic, 429 `insufficient_quota` at OpenAI. */
export function creditExhausted(options: ErrorOptions & { status?: number } = {}): Behaviour {
  return failWith('credit_exhausted', options);
}

export function badRequest(options: ErrorOptions & { status?: number } = {}): Behaviour {
  return failWith('bad_request', options);
}

export function serverError(status = 500, options: ErrorOptions = {}): Behaviour {
  return { ...failWith('server_error', { ...options, status }), name: `server_error_${status}` };
}

/** 529, which only Anthropic uses; with `status: 503` it is what the others say. */
export function overloaded(options: ErrorOptions & { status?: number } = {}): Behaviour {
  return failWith('overloaded', options);
}

function failWith(kind: ProblemKind, options: ErrorOptions & { status?: number }): Behaviour {
  const { headers, ...words } = options;
  return failing(kind, problem(kind, words), headers);
}

function failing(name: string, what: Problem, headers: HeaderBag = {}): Behaviour {
  return { name, reply: { kind: 'problem', problem: what }, headers };
}

function retryAfterText(value: number | string | Date): string {
  return value instanceof Date ? value.toUTCString() : String(value);
}

function anthropicLimits(limits: NonNullable<RateLimitOptions['anthropicReset']>): HeaderBag {
  const headers: Record<string, string> = {};
  for (const [name, limit] of Object.entries(limits)) {
    const prefix = `anthropic-ratelimit-${name}`;
    headers[`${prefix}-limit`] = String(limit.limit ?? 1000);
    headers[`${prefix}-remaining`] = String(limit.remaining);
    headers[`${prefix}-reset`] =
      limit.resetAt instanceof Date ? limit.resetAt.toISOString() : limit.resetAt;
  }
  return headers;
}

function openAiLimits(limits: NonNullable<RateLimitOptions['openaiReset']>): HeaderBag {
  const headers: Record<string, string> = {};
  for (const [name, limit] of Object.entries(limits)) {
    headers[`x-ratelimit-limit-${name}`] = String(limit.limit ?? 1000);
    headers[`x-ratelimit-remaining-${name}`] = String(limit.remaining);
    headers[`x-ratelimit-reset-${name}`] = limit.resetIn;
  }
  return headers;
}
