import type { BridgedApi } from '../providers/index.ts';
import type { Api } from './api.ts';
import { MESSAGES } from './messages/index.ts';

const APIS: Partial<Record<BridgedApi, Api>> = {
  messages: MESSAGES,
};

/** How a route's bodies are read; undefined for one that is relayed unread. */
export function apiNamed(name: BridgedApi): Api | undefined {
  return APIS[name];
}
