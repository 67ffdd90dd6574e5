import type { BridgedApi } from '../providers/index.ts';
import type { Api } from './api.ts';
import { CHAT_COMPLETIONS } from './chat-completions/index.ts';
import { MESSAGES } from './messages/index.ts';

const APIS: Partial<Record<BridgedApi, Api>> = {
  messages: MESSAGES,
  chat_completions: CHAT_COMPLETIONS,
};

/** How a route's bodies are read; undefined for one that is relayed unread. */
export function apiNamed(name: BridgedApi): Api | undefined {
  return APIS[name];
}
