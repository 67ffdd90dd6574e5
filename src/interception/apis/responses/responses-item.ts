import { arrayAt, isObject, parseObject, stringAt, type JsonObject } from '../../../core/json.ts';

/** An item of a conversation, and its text as it came. */
export interface Item {
  readonly item: JsonObject;
  readonly json: Buffer;
}

export function itemOf(json: Buffer): Item {
  return { item: parseObject(json.toString('utf8')) ?? {}, json };
}

/** A call of a function. One in a namespace is never the bridge's: its tools have none. */
export function functionOf(item: JsonObject): string | undefined {
  const isPlain = item['type'] === 'function_call' && (item['namespace'] ?? null) === null;
  return isPlain ? stringAt(item, 'name') : undefined;
}

/** What a call goes by where it is answered: a question for leave has no `call_id`. */
export function callIdOf(item: JsonObject): string | undefined {
  if (item['type'] === 'mcp_approval_request') return stringAt(item, 'id') || undefined;
  return stringAt(item, 'call_id') || stringAt(item, 'approval_request_id') || undefined;
}

/** Functions, custom tools, shells, computers: whatever was called, its output says so in its type. */
export function isOutput(item: JsonObject): boolean {
  const type = stringAt(item, 'type') ?? '';
  return type.endsWith('_output') || type === 'mcp_approval_response';
}

/**
 * The ids of calls that wait for the client. What the provider runs itself has no id to be answered
 * by, says that it runs there, or has its output beside it.
 */
export function openCalls(items: readonly Item[]): readonly string[] {
  const answered = new Set(
    items.filter(({ item }) => isOutput(item)).map(({ item }) => callIdOf(item)),
  );
  return items
    .filter(({ item }) => isCall(item) && item['execution'] !== 'server')
    .flatMap(({ item }) => callIdOf(item) ?? [])
    .filter((id) => !answered.has(id));
}

function isCall(item: JsonObject): boolean {
  const type = stringAt(item, 'type') ?? '';
  return type.endsWith('_call') || type === 'mcp_approval_request';
}

/** Thoughts that the provider does not store can only be said again where they carry themselves along. */
export function isLostThought(item: JsonObject): boolean {
  return item['type'] === 'reasoning' && !stringAt(item, 'encrypted_content');
}

/** More would be no better: the end of what is encrypted is a signature over all of it. */
const SIGNATURE_LENGTH = 64;

/** What a client that repeats the item repeats of it, whatever else it leaves out. */
export function namesOf(item: JsonObject): readonly string[] {
  const names = [
    callIdOf(item),
    stringAt(item, 'id'),
    stringAt(item, 'encrypted_content')?.slice(-SIGNATURE_LENGTH),
  ];
  return names.filter((name) => name !== undefined).filter((name) => name !== '');
}

/** Whether a client means the one by the other: some leave out ids, and some send nothing else. */
export function isSame(repeated: JsonObject, said: JsonObject): boolean {
  if (repeated['type'] === 'item_reference') return repeated['id'] === said['id'];
  if ((repeated['type'] ?? 'message') !== said['type']) return false;
  const callId = callIdOf(said);
  if (callId !== undefined) return callIdOf(repeated) === callId;
  const known = namesOf(said);
  if (namesOf(repeated).some((name) => known.includes(name))) return true;
  const text = textOf(said);
  return text !== '' && textOf(repeated) === text;
}

function textOf(item: JsonObject): string {
  const content = stringAt(item, 'content');
  if (content !== undefined) return content;
  return [...arrayAt(item, 'content'), ...arrayAt(item, 'summary')]
    .filter(isObject)
    .map((part) => stringAt(part, 'text') ?? stringAt(part, 'refusal') ?? '')
    .join('');
}
