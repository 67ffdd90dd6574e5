import type { BridgedApi } from '../../core/api-name.ts';
import type { Api } from './api.ts';
import { CHAT_COMPLETIONS } from './chat-completions/index.ts';
import { MESSAGES } from './messages/index.ts';
import { RESPONSES } from './responses/index.ts';

const APIS: Record<BridgedApi, Api> = {
  messages: MESSAGES,
  chat_completions: CHAT_COMPLETIONS,
  responses: RESPONSES,
};

/** How a route's bodies are read. */
export function apiNamed(name: BridgedApi): Api {
  return APIS[name];
}
