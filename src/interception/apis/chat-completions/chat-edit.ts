import {
  arrayOf,
  elementsOf,
  memberBytes,
  withMember,
  withMembers,
} from '../../../core/json-edit.ts';
import { arrayAt, isObject, objectAt, type JsonObject } from '../../../core/json.ts';

/** The text of an object and what it was parsed to, and what is to be there in its place. */
export type EditObject = (json: Buffer, object: JsonObject, index: number) => Buffer | undefined;

/**
 * The text of an object with the objects in one of its arrays edited, and those taken out of which
 * nothing is left. The same buffer where nothing is changed.
 */
export function withElements(
  json: Buffer,
  object: JsonObject,
  name: string,
  edit: EditObject,
): Buffer {
  const parsed = arrayAt(object, name);
  if (parsed.length === 0) return json;
  const elements = elementsOf(memberBytes(json, name) ?? NO_ELEMENTS);
  const edited = elements.map((element, index) => {
    const value = parsed[index];
    return isObject(value) ? edit(element, value, index) : element;
  });
  const isSame = edited.every((element, index) => element === elements[index]);
  const kept = edited.filter((element) => element !== undefined);
  return isSame ? json : withMember(json, object, name, arrayOf(kept));
}

/** The same of an object in it. */
export function withObject(
  json: Buffer,
  object: JsonObject,
  name: string,
  edit: (json: Buffer, object: JsonObject) => Buffer,
): Buffer {
  const value = objectAt(object, name);
  const bytes = memberBytes(json, name);
  if (value === undefined || bytes === undefined) return json;
  const edited = edit(bytes, value);
  return edited === bytes ? json : withMember(json, object, name, edited);
}

export function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

const NO_ELEMENTS = Buffer.from('[]');

/** What is said in a chunk, and then what else it tells: the end of a turn may not be that of the answer. */
export function parted(json: Buffer, chunk: JsonObject): { said: Buffer; told: Buffer } {
  const open = withElements(json, chunk, 'choices', (choice, { finish_reason: reason = null }) =>
    reason === null ? choice : withMembers(choice, NOT_FINISHED),
  );
  const usage = objectAt(chunk, 'usage');
  return {
    said: usage === undefined ? open : withMember(open, chunk, 'usage', NULL),
    told: withElements(json, chunk, 'choices', (choice) => withMembers(choice, NOTHING_SAID)),
  };
}

/** The contents of several messages as one: a text, unless some have it in parts. */
export function joinedContents(contents: readonly Buffer[]): Buffer {
  if (contents.every(isText)) return Buffer.concat([QUOTE, ...contents.map(inner), QUOTE]);
  const parts = contents.flatMap((content) =>
    isText(content) ? [withMember(TEXT_PART, {}, 'text', content)] : elementsOf(content),
  );
  return arrayOf(parts);
}

function isText(value: Buffer): boolean {
  return value[0] === QUOTE[0];
}

function inner(text: Buffer): Buffer {
  return text.subarray(1, -1);
}

const NULL = Buffer.from('null');
const QUOTE = Buffer.from('"');
const TEXT_PART = Buffer.from('{"type":"text"}');
const NOT_FINISHED = new Map([['finish_reason', NULL]]);
const NOTHING_SAID = new Map([
  ['delta', Buffer.from('{}')],
  ['logprobs', undefined],
]);
