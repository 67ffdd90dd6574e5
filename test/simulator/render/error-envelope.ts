import type { Problem, ProblemKind } from '../behaviours/problem.ts';
import type { Vendor } from '../routes.ts';

interface AnthropicWords {
  readonly type: string;
  readonly message: string;
}

interface OpenAiWords {
  readonly type: string;
  readonly code: string | null;
  readonly message: string;
}

const ANTHROPIC: Readonly<Record<ProblemKind, AnthropicWords>> = {
  bad_request: { type: 'invalid_request_error', message: 'messages: Field required' },
  unauthorized: { type: 'authentication_error', message: 'invalid x-api-key' },
  credit_exhausted: {
    type: 'invalid_request_error',
    message:
      'Your credit balance is too low to access the Anthropic API. ' +
      'Please go to Plans & Billing to upgrade or purchase credits.',
  },
  forbidden: {
    type: 'permission_error',
    message: 'Your API key does not have permission to use the specified resource.',
  },
  model_forbidden: {
    type: 'permission_error',
    message: 'Your organization does not have access to the requested model.',
  },
  not_found: { type: 'not_found_error', message: 'Not Found' },
  too_large: {
    type: 'request_too_large',
    message: 'Request exceeds the maximum allowed number of bytes.',
  },
  rate_limited: {
    type: 'rate_limit_error',
    message: "This request would exceed your organization's rate limit. Please try again later.",
  },
  server_error: { type: 'api_error', message: 'Internal server error' },
  overloaded: { type: 'overloaded_error', message: 'Overloaded' },
};

const OPENAI: Readonly<Record<ProblemKind, OpenAiWords>> = {
  bad_request: {
    type: 'invalid_request_error',
    code: null,
    message: 'We could not parse the JSON body of your request.',
  },
  unauthorized: {
    type: 'invalid_request_error',
    code: 'invalid_api_key',
    message: 'Incorrect API key provided. You can find your API key in your account settings.',
  },
  credit_exhausted: {
    type: 'insufficient_quota',
    code: 'insufficient_quota',
    message: 'You exceeded your current quota, please check your plan and billing details.',
  },
  forbidden: {
    type: 'invalid_request_error',
    code: 'insufficient_permissions',
    message: 'You have insufficient permissions for this operation.',
  },
  model_forbidden: {
    type: 'invalid_request_error',
    code: 'model_not_found',
    message: 'Project does not have access to the requested model.',
  },
  not_found: { type: 'invalid_request_error', code: null, message: 'Not Found' },
  too_large: { type: 'invalid_request_error', code: null, message: 'Request body too large.' },
  rate_limited: {
    type: 'requests',
    code: 'rate_limit_exceeded',
    message: 'Rate limit reached for requests per min. Please try again later.',
  },
  server_error: {
    type: 'server_error',
    code: null,
    message: 'The server had an error while processing your request. Sorry about that!',
  },
  overloaded: {
    type: 'server_error',
    code: 'server_is_overloaded',
    message: 'Our servers are currently overloaded. Please try again later.',
  },
};

/** The JSON body of an error, in the envelope of the vendor. */
export function errorEnvelope(vendor: Vendor, problem: Problem, requestId: string): object {
  return vendor !== 'openai'
    ? { type: 'error', error: anthropicError(problem), request_id: requestId }
    : { error: openAiError(problem) };
}

export function anthropicError(problem: Problem): AnthropicWords {
  const words = ANTHROPIC[problem.kind];
  const billing = problem.kind === 'credit_exhausted' && problem.status === 402;
  return {
    type: problem.type ?? (billing ? 'billing_error' : words.type),
    message: problem.message ?? words.message,
  };
}

export function openAiError(problem: Problem): OpenAiWords & { readonly param: null } {
  const words = OPENAI[problem.kind];
  return {
    message: problem.message ?? words.message,
    type: problem.type ?? words.type,
    param: null,
    code: problem.code === undefined ? words.code : problem.code,
  };
}
