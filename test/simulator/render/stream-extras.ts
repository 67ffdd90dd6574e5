import type { StreamErrorShape } from '../behaviours/frame-edit.ts';
import type { Problem } from '../behaviours/problem.ts';
import { jsonFrame, type Frame } from '../frame.ts';
import type { Route } from '../routes.ts';
import { anthropicError, openAiError } from './error-envelope.ts';

/** An error inside a stream, the way the API of this route words it. */
export function streamErrorFrame(
  route: Route,
  problem: Problem,
  shape: StreamErrorShape,
  sequence: number,
): Frame {
  if (route.vendor !== 'openai') {
    return jsonFrame({ type: 'error', error: anthropicError(problem) });
  }
  const error = openAiError(problem);
  if (route.name === 'chat_completions') return { data: JSON.stringify({ error }) };
  if (shape === 'flat') return jsonFrame({ ...error, type: 'error', sequence_number: sequence });
  if (shape === 'nested') return jsonFrame({ type: 'error', sequence_number: sequence, error });
  const response = {
    id: 'resp_failed',
    object: 'response',
    status: 'failed',
    output: [],
    usage: null,
    error: { code: error.code ?? 'server_error', message: error.message },
  };
  return jsonFrame({ type: 'response.failed', sequence_number: sequence, response });
}

/** An event of a future version of the API. */
export function unknownFrame(route: Route): Frame {
  if (route.name !== 'chat_completions') {
    return jsonFrame({ type: 'vendor.future_event', future_field: { nested: [1, 2, 3] } });
  }
  // Chat completions have no event names: what is new there is an unknown field.
  const chunk = { id: 'chatcmpl-future', object: 'chat.completion.chunk', choices: [] };
  return { data: JSON.stringify({ ...chunk, future_field: { nested: [1, 2, 3] } }) };
}
