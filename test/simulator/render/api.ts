import type { Answer } from '../behaviours/answer.ts';
import type { Call } from '../call.ts';
import type { Frame } from '../frame.ts';
import { renderMessage, renderMessageFrames } from './messages.ts';
import { resolveAnswer } from './resolved-answer.ts';

/** What an API answers: JSON, a stream of frames, or a status without a body. */
export type Rendering =
  | { readonly kind: 'json'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'stream'; readonly frames: readonly Frame[] };

export function renderAnswer(call: Call, answer: Answer, uniqueIds: boolean): Rendering {
  const resolved = resolveAnswer(answer, call, uniqueIds);
  switch (call.route.name) {
    case 'messages':
      return call.isStreaming
        ? { kind: 'stream', frames: renderMessageFrames(resolved) }
        : { kind: 'json', status: 200, body: renderMessage(resolved) };
    default:
      return noSuchRoute(call);
  }
}

function noSuchRoute(call: Call): Rendering {
  const message = `the simulator has no route ${call.method} ${call.path}`;
  return {
    kind: 'json',
    status: 404,
    body: { type: 'error', error: { type: 'not_found_error', code: 'unknown_url', message } },
  };
}
