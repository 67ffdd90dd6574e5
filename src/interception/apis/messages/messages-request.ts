import { arrayAt, isObject, stringAt, type JsonObject } from '../../../core/json.ts';
import type { RequestFacts } from '../api.ts';
import { isAside, isPrefill, lastTurn, textsOf, type TurnElement } from '../last-turn.ts';

/** Spec M-1 to M-5: only the last turn is looked at; what came before was recorded then. */
export function readMessagesRequest(body: JsonObject): RequestFacts {
  return {
    model: stringAt(body, 'model') ?? '',
    isStreaming: body['stream'] === true,
    turn: lastTurn(arrayAt(body, 'messages'), readMessage),
  };
}

function readMessage(message: JsonObject): TurnElement {
  if (isAside(message)) return 'aside';
  if (message['role'] !== 'user') return isPrefill(message) ? 'prefill' : 'answer';
  return { texts: textsOf(message, 'text'), toolCallIds: toolResults(message) };
}

function toolResults(message: JsonObject): readonly string[] {
  return arrayAt(message, 'content')
    .filter(isObject)
    .filter((block) => block['type'] === 'tool_result')
    .map((block) => stringAt(block, 'tool_use_id') ?? '')
    .filter((id) => id !== '');
}
