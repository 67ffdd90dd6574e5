import { OPENAI_FAILURES, renderOpenAiError } from '../openai-dialect.ts';
import type { Provider } from '../provider.ts';
import { readUpstreamError } from '../upstream-error.ts';

export const OPENAI: Provider = {
  type: 'openai',
  telemetryName: 'openai',
  baseUrl: 'https://api.openai.com/v1',
  mount: '/v1',
  bridged: [
    { path: '/chat/completions', api: 'chat_completions' },
    { path: '/responses', api: 'responses' },
  ],
  passthrough: [
    { path: '/models', methods: ['GET'] },
    // No DELETE: it removes the organisation's fine-tuned models.
    { path: '/models/', rest: '{id}', methods: ['GET'] },
    { path: '/conversations', methods: ['POST'] },
    { path: '/conversations/', rest: '{path}', methods: ['GET', 'POST', 'DELETE'] },
    { path: '/responses/', rest: '{path}', methods: ['GET', 'POST', 'DELETE'] },
  ],
  probePath: '/models',
  hasCentralKeys: true,
  takesCallerKeys: true,
  auth: 'bearer',
  callerAuth: ['bearer'],
  defaultHeaders: { 'content-type': 'application/json' },
  sendsActorHeaders: true,
  failures: OPENAI_FAILURES,
  renderError: renderOpenAiError,
  readError: readUpstreamError,
};
