import { arrayAt, countAt, stringAt, type JsonObject } from '../../../core/json.ts';
import type { RequestFacts } from '../api.ts';
import { isAside, isPrefill, lastTurn, textsOf, type TurnElement } from '../last-turn.ts';

/** Spec C-2 to C-5: only the last turn is looked at; what came before was recorded then. */
export function readChatRequest(body: JsonObject): RequestFacts {
  return {
    model: stringAt(body, 'model') ?? '',
    isStreaming: body['stream'] === true,
    choicesAsked: countAt(body, 'n'),
    turn: lastTurn(arrayAt(body, 'messages'), readMessage),
  };
}

function readMessage(message: JsonObject): TurnElement {
  if (isAside(message)) return 'aside';
  if (message['role'] === 'tool') {
    const id = stringAt(message, 'tool_call_id');
    return { texts: [], toolCallIds: id ? [id] : [] };
  }
  if (message['role'] === 'user') return { texts: said(message), toolCallIds: [] };
  const callsTools = arrayAt(message, 'tool_calls').length > 0;
  return isPrefill(message) && !callsTools ? 'prefill' : 'answer';
}

/** An empty text here is how clients send attachments alone. */
function said(message: JsonObject): readonly string[] {
  return message['content'] === '' ? [] : textsOf(message, 'text');
}
