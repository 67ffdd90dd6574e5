import type { Conversation } from 'openai/resources/conversations/conversations';

import { memberOf, type Call } from '../call.ts';
import type { Frame } from '../frame.ts';
import { CREATED_AT, type ResolvedAnswer } from './resolved-answer.ts';
import { renderResponseFrames } from './response-frames.ts';
import { renderResponse } from './responses.ts';

/** Any response that is asked for is stored. */
export function renderStoredResponse(answer: ResolvedAnswer, call: Call): object {
  const { id } = call.route;
  return call.method === 'DELETE'
    ? { id, object: 'response', deleted: true }
    : renderResponse(stored(answer, call), call);
}

export function renderStoredResponseFrames(answer: ResolvedAnswer, call: Call): Frame[] {
  return renderResponseFrames(stored(answer, call), call);
}

export function renderCancelledResponse(answer: ResolvedAnswer, call: Call): object {
  const response = renderResponse(stored(answer, call), call);
  return { ...response, status: 'cancelled', background: true, output: [] };
}

function stored(answer: ResolvedAnswer, call: Call): ResolvedAnswer {
  return { ...answer, messageId: call.route.id };
}

export function renderInputItems(answer: ResolvedAnswer): object {
  const id = `msg_${answer.seed}`;
  return {
    object: 'list',
    data: [
      {
        id,
        type: 'message',
        role: 'user',
        status: 'completed',
        content: [{ type: 'input_text', text: 'hello' }],
      },
    ],
    first_id: id,
    last_id: id,
    has_more: false,
  };
}

export function renderConversations(answer: ResolvedAnswer, call: Call): object {
  return call.method === 'POST'
    ? conversation(`conv_${answer.seed}`, call)
    : { object: 'list', data: [], first_id: null, last_id: null, has_more: false };
}

export function renderConversation(call: Call): object {
  const { id } = call.route;
  return call.method === 'DELETE'
    ? { id, object: 'conversation.deleted', deleted: true }
    : conversation(id, call);
}

function conversation(id: string, call: Call): Conversation {
  const metadata = memberOf(call.json, 'metadata') ?? {};
  return { id, object: 'conversation', created_at: CREATED_AT, metadata };
}

/** Claude Code's telemetry. */
export function renderEventBatch(call: Call): object {
  const events = memberOf(call.json, 'events');
  return { accepted_count: Array.isArray(events) ? events.length : 0, rejected_count: 0 };
}

/** A JSON-RPC result without content; enough for a call that is only passed through. */
export function renderMcp(call: Call): object {
  return { jsonrpc: '2.0', id: memberOf(call.json, 'id') ?? null, result: {} };
}
