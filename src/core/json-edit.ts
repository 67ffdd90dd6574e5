import type { JsonObject } from './json.ts';

interface Span {
  readonly start: number;
  readonly end: number;
}

interface Member {
  readonly name: string;
  /** What stands between the commas. */
  readonly whole: Span;
  readonly value: Span;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const COMMA_TEXT = Buffer.from(',');
const OPEN_TEXT = Buffer.from('[');
const CLOSE_TEXT = Buffer.from(']');
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPENING = new Set([OPEN_OBJECT, OPEN_ARRAY]);
const CLOSING = new Set([CLOSE_OBJECT, CLOSE_ARRAY]);
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);
const ENDING_WORD = new Set([...SPACE, ...CLOSING, COMMA]);

/**
 * The text of a JSON object, and what it was parsed to, with one of its members
 * set. Every other byte stays as it is: order, spacing, and numbers that
 * JavaScript could not hold.
 */
export function withMember(json: Buffer, parsed: JsonObject, name: string, value: Buffer): Buffer {
  const span = Object.hasOwn(parsed, name) ? memberSpan(json, name) : undefined;
  if (span !== undefined) return spliced(json, span, value);
  const start = json.indexOf('{') + 1;
  const isEmpty = CLOSING.has(json[skipSpace(json, start)] ?? 0);
  const member = [Buffer.from(`${JSON.stringify(name)}:`), value];
  const added = Buffer.concat(isEmpty ? member : [...member, Buffer.from(',')]);
  return spliced(json, { start, end: start }, added);
}

/** The bytes of a member's value; of one that is given twice the last, which is the one that counts. */
export function memberBytes(json: Buffer, name: string): Buffer | undefined {
  const span = memberSpan(json, name);
  return span && json.subarray(span.start, span.end);
}

/**
 * The text of a JSON object with some of its members set, and those taken out for which there is no
 * value. A name that is there twice is there once or not at all afterwards, so that nobody who
 * reads the other one of the two reads what was changed. All else stays byte for byte.
 */
export function withMembers(json: Buffer, edits: ReadonlyMap<string, Buffer | undefined>): Buffer {
  const left = new Map(edits);
  const start = json.indexOf('{') + 1;
  let end = start;
  const kept: Buffer[] = [];
  for (const { name, whole, value } of membersOf(json)) {
    end = whole.end;
    if (!edits.has(name)) {
      kept.push(json.subarray(whole.start, whole.end));
      continue;
    }
    const given = left.get(name);
    left.delete(name);
    if (given === undefined) continue;
    const [before, after] = [
      json.subarray(whole.start, value.start),
      json.subarray(value.end, whole.end),
    ];
    kept.push(Buffer.concat([before, given, after]));
  }
  const added = [...left].flatMap(([name, value]) =>
    value === undefined ? [] : [Buffer.concat([Buffer.from(`${JSON.stringify(name)}:`), value])],
  );
  const members = [...added, ...kept].flatMap((member, index) =>
    index === 0 ? [member] : [COMMA_TEXT, member],
  );
  return Buffer.concat([json.subarray(0, start), ...members, json.subarray(end)]);
}

/** The bytes of each element of a JSON array, without what stands around them. */
export function elementsOf(array: Buffer): readonly Buffer[] {
  const elements: Buffer[] = [];
  let at = skipSpace(array, array.indexOf('[') + 1);
  while (at < array.length && !CLOSING.has(array[at] ?? 0)) {
    const end = endOfValue(array, at);
    elements.push(array.subarray(at, end));
    const after = skipSpace(array, end);
    if (array[after] !== COMMA) break;
    at = skipSpace(array, after + 1);
  }
  return elements;
}

export function arrayOf(elements: readonly Buffer[]): Buffer {
  return Buffer.concat([OPEN_TEXT, joined(elements), CLOSE_TEXT]);
}

/** The text of a JSON array with these before its first element. What it has stays byte for byte. */
export function withFirst(array: Buffer, elements: readonly Buffer[]): Buffer {
  const start = array.indexOf('[') + 1;
  return insertedInto(array, start, elements);
}

/** The same behind its last element. */
export function withLast(array: Buffer, elements: readonly Buffer[]): Buffer {
  return insertedInto(array, array.lastIndexOf(']'), elements);
}

function insertedInto(array: Buffer, at: number, elements: readonly Buffer[]): Buffer {
  if (elements.length === 0) return array;
  const isEmpty = CLOSING.has(array[skipSpace(array, array.indexOf('[') + 1)] ?? 0);
  const isFirst = at === array.indexOf('[') + 1;
  const parts = isEmpty ? [joined(elements)] : [joined(elements), COMMA_TEXT];
  const added = Buffer.concat(isFirst || isEmpty ? parts : parts.toReversed());
  return spliced(array, { start: at, end: at }, added);
}

function joined(elements: readonly Buffer[]): Buffer {
  return Buffer.concat(
    elements.flatMap((element, index) => (index === 0 ? [element] : [COMMA_TEXT, element])),
  );
}

function memberSpan(json: Buffer, name: string): Span | undefined {
  let found: Span | undefined;
  for (const member of membersOf(json)) if (member.name === name) found = member.value;
  return found;
}

function* membersOf(json: Buffer): Generator<Member> {
  let start = json.indexOf('{') + 1;
  let at = skipSpace(json, start);
  while (json[at] === QUOTE) {
    const keyEnd = endOfString(json, at);
    const name = String(JSON.parse(json.toString('utf8', at, keyEnd)));
    const valueStart = skipSpace(json, json.indexOf(COLON, keyEnd) + 1);
    const valueEnd = endOfValue(json, valueStart);
    const end = skipSpace(json, valueEnd);
    yield { name, whole: { start, end }, value: { start: valueStart, end: valueEnd } };
    if (json[end] !== COMMA) return;
    start = end + 1;
    at = skipSpace(json, start);
  }
}

function spliced(json: Buffer, { start, end }: Span, value: Buffer): Buffer {
  return Buffer.concat([json.subarray(0, start), value, json.subarray(end)]);
}

function skipSpace(json: Buffer, from: number): number {
  let at = from;
  while (SPACE.has(json[at] ?? 0)) at += 1;
  return at;
}

/** So many bytes are looked at one by one before the next quote is searched for, which takes longer to begin. */
const NEAR_BYTES = 64;

/** `from` is the opening quote; answers what follows the closing one. */
function endOfString(json: Buffer, from: number): number {
  let at = from + 1;
  while (at < json.length) {
    const nearEnd = Math.min(json.length, at + NEAR_BYTES);
    for (; at < nearEnd; at += json[at] === BACKSLASH ? 2 : 1) {
      if (json[at] === QUOTE) return at + 1;
    }
    at = json.indexOf(QUOTE, at);
    if (at === -1) break;
    if (!isEscaped(json, at)) return at + 1;
    at += 1;
  }
  return json.length;
}

function isEscaped(json: Buffer, at: number): boolean {
  let before = at;
  while (json[before - 1] === BACKSLASH) before -= 1;
  return (at - before) % 2 === 1;
}

/** `from` is where the value begins; answers what follows it. */
function endOfValue(json: Buffer, from: number): number {
  if (json[from] === QUOTE) return endOfString(json, from);
  return OPENING.has(json[from] ?? 0) ? endOfNest(json, from) : endOfWord(json, from);
}

function endOfNest(json: Buffer, from: number): number {
  let depth = 0;
  let at = from;
  do {
    const byte = json[at];
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth += 1;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth -= 1;
    at = byte === QUOTE ? endOfString(json, at) : at + 1;
  } while (depth > 0 && at < json.length);
  return at;
}

/** Of a number, `true`, `false` or `null`. */
function endOfWord(json: Buffer, from: number): number {
  let at = from;
  while (at < json.length && !ENDING_WORD.has(json[at] ?? 0)) at += 1;
  return at;
}
