import { isObject, stringAt, type JsonObject } from '../../core/json.ts';
import type { TurnPart } from './api.ts';

/**
 * What an element of a conversation is to the turn that it may belong to. Instructions of the
 * client's are `aside`: they stand anywhere and are nobody's turn, but are kept with the part that
 * they follow. A `prefill` is the beginning
 * of the answer, put into the model's mouth. An `answer` is where the turn began.
 */
export type TurnElement = TurnPart | 'aside' | 'prefill' | 'answer';

/** The parts of the turn that a conversation ends with; a prefill after it is passed over, once. */
export function lastTurn(
  conversation: readonly unknown[],
  read: (element: JsonObject) => TurnElement,
): readonly TurnPart[] {
  const parts: TurnPart[] = [];
  let mayBePrefilled = true;
  let asides: readonly string[] = [];
  for (let index = conversation.length - 1; index >= 0; index -= 1) {
    const element = conversation[index];
    const found = isObject(element) ? read(element) : 'answer';
    if (found === 'aside') {
      if (isObject(element)) asides = [...textsOf(element, 'text'), ...asides];
      continue;
    }
    if (typeof found === 'object') {
      parts.push(asides.length > 0 ? { ...found, asides } : found);
      asides = [];
    } else if (found === 'answer' || !mayBePrefilled) break;
    mayBePrefilled = false;
  }
  return parts.toReversed();
}

const ASIDES: ReadonlySet<unknown> = new Set(['system', 'developer']);

export function isAside(element: JsonObject): boolean {
  return ASIDES.has(element['role']);
}

/** The texts of a message: its content, or those of its content's parts that are of a type. */
export function textsOf(message: JsonObject, type: string): readonly string[] {
  const content = message['content'];
  if (typeof content === 'string') return [content];
  if (!Array.isArray(content)) return [];
  return content
    .filter(isObject)
    .filter((part) => part['type'] === type)
    .map((part) => stringAt(part, 'text'))
    .filter((text) => text !== undefined);
}

/** Nothing but text of the assistant's: one that calls tools is an answer, whole or paused. */
export function isPrefill({ role, content }: JsonObject): boolean {
  if (role !== 'assistant') return false;
  if (typeof content === 'string') return true;
  return (
    Array.isArray(content) && content.every((part) => isObject(part) && part['type'] === 'text')
  );
}
