import { OPENAI_FAILURES, renderOpenAiError } from '../openai-dialect.ts';
import type { Provider } from '../provider.ts';
import { readUpstreamError } from '../upstream-error.ts';

/** Speaks OpenAI's APIs, but a token belongs to a person: there is nothing to pool. */
export const COPILOT: Provider = {
  type: 'copilot',
  telemetryName: 'github.copilot',
  baseUrl: 'https://api.individual.githubcopilot.com',
  mount: '',
  bridged: [
    { path: '/chat/completions', api: 'chat_completions' },
    { path: '/responses', api: 'responses' },
  ],
  passthrough: [
    { path: '/models', methods: ['GET'] },
    // The POST accepts a model's terms of use for the caller.
    { path: '/models/', rest: '{path}', methods: ['GET', 'POST'] },
    { path: '/agents/', rest: '{path}', methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] },
    { path: '/mcp/', rest: '{path}', methods: ['GET', 'POST', 'DELETE'] },
    { path: '/.well-known/', rest: '{path}', methods: ['GET'] },
  ],
  probePath: '/models',
  hasCentralKeys: false,
  takesCallerKeys: true,
  auth: 'bearer',
  callerAuth: ['bearer'],
  defaultHeaders: { 'content-type': 'application/json' },
  sendsActorHeaders: false,
  failures: OPENAI_FAILURES,
  renderError: renderOpenAiError,
  readError: readUpstreamError,
};
