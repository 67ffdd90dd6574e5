import { ANTHROPIC_FAILURES, renderAnthropicError } from '../anthropic-dialect.ts';
import type { Provider } from '../provider.ts';
import { readUpstreamError } from '../upstream-error.ts';

export const ANTHROPIC: Provider = {
  type: 'anthropic',
  telemetryName: 'anthropic',
  baseUrl: 'https://api.anthropic.com',
  mount: '',
  bridged: [{ path: '/v1/messages', api: 'messages' }],
  passthrough: [
    { path: '/v1/models', methods: ['GET'] },
    { path: '/v1/models/', rest: '{id}', methods: ['GET'] },
    { path: '/v1/messages/count_tokens', methods: ['POST'] },
    // No list of them: a key sees the batches of everybody who shares it.
    { path: '/v1/messages/batches', methods: ['POST'] },
    { path: '/v1/messages/batches/', rest: '{path}', methods: ['GET', 'POST'] },
    { path: '/api/event_logging/', rest: '{path}', methods: ['POST'] },
  ],
  probePath: '/v1/models',
  hasCentralKeys: true,
  takesCallerKeys: true,
  auth: 'x-api-key',
  callerAuth: ['x-api-key', 'bearer'],
  defaultHeaders: { 'anthropic-version': '2023-06-01', 'content-type': 'application/json' },
  sendsActorHeaders: true,
  failures: ANTHROPIC_FAILURES,
  renderError: renderAnthropicError,
  readError: readUpstreamError,
};
