import { arrayAt, isObject, stringAt, type JsonObject } from '../../../core/json.ts';
import type { RequestFacts } from '../api.ts';

/** Spec: only the last item is looked at; what came before was recorded then. */
export function readResponsesRequest(body: JsonObject): RequestFacts {
  const last = arrayAt(body, 'input').at(-1);
  const item = isObject(last) ? last : undefined;
  return {
    model: stringAt(body, 'model') ?? '',
    isStreaming: body['stream'] === true,
    prompt: stringAt(body, 'input') ?? (item && promptIn(item)),
    correlatingToolCallId: item && answeredCallId(item),
  };
}

/** All the texts of the last item: unlike elsewhere, clients split what the user typed. */
function promptIn(item: JsonObject): string | undefined {
  if (item['role'] !== 'user') return undefined;
  const text = stringAt(item, 'content');
  if (text !== undefined) return text;
  const texts = arrayAt(item, 'content')
    .filter(isObject)
    .filter((part) => part['type'] === 'input_text')
    .map((part) => stringAt(part, 'text'))
    .filter((part) => part !== undefined);
  return texts.length === 0 ? undefined : texts.join('\n');
}

/** Functions, custom tools, shells, computers: whatever was called, its output says so in its type. */
function answeredCallId(item: JsonObject): string | undefined {
  const isOutput = stringAt(item, 'type')?.endsWith('_call_output') === true;
  return isOutput ? stringAt(item, 'call_id') || undefined : undefined;
}
