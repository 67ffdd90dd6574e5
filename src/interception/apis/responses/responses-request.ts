import { arrayAt, stringAt, type JsonObject } from '../../../core/json.ts';
import type { RequestFacts, TurnPart } from '../api.ts';
import { isAside, lastTurn, textsOf, type TurnElement } from '../last-turn.ts';

/** Spec: only the last turn is looked at; what came before was recorded then. */
export function readResponsesRequest(body: JsonObject): RequestFacts {
  return {
    model: stringAt(body, 'model') ?? '',
    isStreaming: body['stream'] === true,
    turn: turnOf(body),
  };
}

function turnOf(body: JsonObject): readonly TurnPart[] {
  const text = stringAt(body, 'input');
  if (text !== undefined) return [{ texts: [text], toolCallIds: [] }];
  return lastTurn(arrayAt(body, 'input'), readItem);
}

/** There is no prefill here: what the model said last is what the request goes on from. */
function readItem(item: JsonObject): TurnElement {
  if (isAside(item)) return 'aside';
  if (item['role'] === 'user') return { texts: textsOf(item, 'input_text'), toolCallIds: [] };
  if (!isOutput(item)) return 'answer';
  const id = stringAt(item, 'call_id');
  return { texts: [], toolCallIds: id ? [id] : [] };
}

/** Functions, custom tools, shells, computers: whatever was called, its output says so in its type. */
function isOutput(item: JsonObject): boolean {
  return stringAt(item, 'type')?.endsWith('_call_output') === true;
}
