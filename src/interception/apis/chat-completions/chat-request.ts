import { arrayAt, isObject, stringAt, type JsonObject } from '../../../core/json.ts';
import type { RequestFacts } from '../api.ts';

/** Spec C-2 to C-5: only the last message is looked at; what came before was recorded then. */
export function readChatRequest(body: JsonObject): RequestFacts {
  const last = arrayAt(body, 'messages').at(-1);
  const message = isObject(last) ? last : undefined;
  return {
    model: stringAt(body, 'model') ?? '',
    isStreaming: body['stream'] === true,
    prompt: message && lastPrompt(message),
    correlatingToolCallId: message && toolCallId(message),
  };
}

/** Clients put context parts before what the user typed, so the last text part is the prompt. */
function lastPrompt(message: JsonObject): string | undefined {
  if (message['role'] !== 'user') return undefined;
  const text = stringAt(message, 'content');
  // An empty text here is how clients send attachments alone.
  if (text !== undefined) return text === '' ? undefined : text;
  return arrayAt(message, 'content')
    .filter(isObject)
    .filter((part) => part['type'] === 'text')
    .map((part) => stringAt(part, 'text'))
    .findLast((part) => part !== undefined);
}

function toolCallId(message: JsonObject): string | undefined {
  return message['role'] === 'tool' ? stringAt(message, 'tool_call_id') || undefined : undefined;
}
