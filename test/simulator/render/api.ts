import type { Answer } from '../behaviours/answer.ts';
import type { Call } from '../call.ts';
import type { Frame } from '../frame.ts';
import type { RouteName } from '../routes.ts';
import { renderCompletion, renderCompletionFrames } from './chat-completions.ts';
import { renderMessage, renderMessageFrames } from './messages.ts';
import { renderModel, renderModels } from './models.ts';
import { resolveAnswer, type ResolvedAnswer } from './resolved-answer.ts';
import {
  renderCancelledResponse,
  renderConversation,
  renderConversations,
  renderEventBatch,
  renderInputItems,
  renderMcp,
  renderStoredResponse,
  renderStoredResponseFrames,
} from './resources.ts';
import { renderResponseFrames } from './response-frames.ts';
import { renderResponse } from './responses.ts';

/** What a route answers when nothing is wrong. */
export type Rendering =
  | { readonly kind: 'json'; readonly status: number; readonly body: object }
  | { readonly kind: 'stream'; readonly frames: readonly Frame[] };

type Renderer = (answer: ResolvedAnswer, call: Call) => Rendering;

const RENDERERS: Readonly<Record<RouteName, Renderer>> = {
  messages: either(renderMessage, renderMessageFrames),
  chat_completions: either(renderCompletion, renderCompletionFrames),
  responses: either(renderResponse, renderResponseFrames),
  response: either(renderStoredResponse, renderStoredResponseFrames),
  response_cancel: (answer, call) => json(renderCancelledResponse(answer, call)),
  response_input_items: (answer) => json(renderInputItems(answer)),
  conversations: (answer, call) => json(renderConversations(answer, call)),
  conversation: (_, call) => json(renderConversation(call)),
  count_tokens: (answer) => json({ input_tokens: answer.usage?.input ?? 0 }),
  models: (_, call) => json(renderModels(call)),
  model: (_, call) => json(renderModel(call)),
  event_logging: (_, call) => json(renderEventBatch(call)),
  agents: (_, call) => json({ simulated: 'agents', path: call.path }),
  mcp: (_, call) => json(renderMcp(call)),
  well_known: (_, call) => json({ simulated: 'well_known', path: call.path }),
  bedrock_invoke: (answer) => json(renderMessage(answer)),
  bedrock_stream: (answer) => ({ kind: 'stream', frames: renderMessageFrames(answer) }),
  bedrock_jobs: () => json({ asyncInvokeSummaries: [] }),
  unknown: (_, call) => noSuchRoute(call),
};

export function renderAnswer(call: Call, answer: Answer, uniqueIds: boolean): Rendering {
  return RENDERERS[call.route.name](resolveAnswer(answer, call, uniqueIds), call);
}

function either(
  whole: (answer: ResolvedAnswer, call: Call) => object,
  streamed: (answer: ResolvedAnswer, call: Call) => readonly Frame[],
): Renderer {
  return (answer, call) =>
    call.isStreaming
      ? { kind: 'stream', frames: streamed(answer, call) }
      : json(whole(answer, call));
}

function json(body: object, status = 200): Rendering {
  return { kind: 'json', status, body };
}

function noSuchRoute(call: Call): Rendering {
  const message = `the simulator has no route ${call.method} ${call.path}`;
  const error = { type: 'not_found_error', code: 'unknown_url', message };
  return json({ type: 'error', error }, 404);
}
