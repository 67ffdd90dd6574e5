import { arrayAt, isObject, stringAt, type JsonObject } from '../../../core/json.ts';
import type { RequestFacts } from '../api.ts';

/** Spec M-1 to M-5: only the last message is looked at; what came before was recorded then. */
export function readMessagesRequest(body: JsonObject): RequestFacts {
  const last = arrayAt(body, 'messages').at(-1);
  const message = isObject(last) ? last : undefined;
  return {
    model: stringAt(body, 'model') ?? '',
    isStreaming: body['stream'] === true,
    prompt: message && lastPrompt(message),
    correlatingToolCallId: message && lastToolResult(message),
  };
}

/** Clients put context blocks before what the user typed, so the last text block is the prompt. */
function lastPrompt(message: JsonObject): string | undefined {
  if (message['role'] !== 'user') return undefined;
  const text = stringAt(message, 'content');
  if (text !== undefined) return text;
  const block = arrayAt(message, 'content').findLast(
    (candidate) =>
      isObject(candidate) &&
      candidate['type'] === 'text' &&
      stringAt(candidate, 'text') !== undefined,
  );
  return isObject(block) ? stringAt(block, 'text') : undefined;
}

function lastToolResult(message: JsonObject): string | undefined {
  const block = arrayAt(message, 'content').findLast(
    (candidate) =>
      isObject(candidate) &&
      candidate['type'] === 'tool_result' &&
      (stringAt(candidate, 'tool_use_id') ?? '') !== '',
  );
  return isObject(block) ? stringAt(block, 'tool_use_id') : undefined;
}
