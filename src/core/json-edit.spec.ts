import {
  array as fcArray,
  assert,
  constantFrom,
  dictionary,
  jsonValue,
  property,
  string,
} from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseObject } from './json.ts';
import {
  arrayOf,
  elementsOf,
  memberBytes,
  withFirst,
  withLast,
  withMember,
  withMembers,
} from './json-edit.ts';

function edited(json: string, name: string, value: string): string {
  const parsed = parseObject(json) ?? {};
  return withMember(Buffer.from(json), parsed, name, Buffer.from(value)).toString();
}

describe('a member is set', () => {
  test.each([
    ['into an empty object', '{ }', '{"x":1 }'],
    ['before the others', ' { "a" : 1.0e2 }', ' {"x":1, "a" : 1.0e2 }'],
    [
      'in place of what it was',
      '{"a":[{"x":2}],"x" : {"b":"}\\"]"} ,"c":3}',
      '{"a":[{"x":2}],"x" : 1 ,"c":3}',
    ],
    ['at the end', '{"a":9007199254740993,"x":null}', '{"a":9007199254740993,"x":1}'],
    ['where it counts, when it is there twice', '{"x":2,"x":3}', '{"x":2,"x":1}'],
    ['however its name is written', '{"\\u0078":2}', '{"\\u0078":1}'],
  ])('%s', (_, before, after) => {
    expect(edited(before, 'x', '1')).toBe(after);
  });

  test('and nothing else is changed, in any object', () => {
    const member = dictionary(string(), jsonValue());
    assert(
      property(member, string(), constantFrom(0, 2), (object, name, indent) => {
        const after = parseObject(edited(JSON.stringify(object, null, indent), name, '"set"'));
        expect(after).toEqual({ ...JSON.parse(JSON.stringify(object)), [name]: 'set' });
      }),
    );
  });
});

/** `set` set to 1, and `out` taken out. */
function edit(json: string): string {
  const edits = new Map([
    ['set', Buffer.from('1')],
    ['out', undefined],
  ]);
  return withMembers(Buffer.from(json), edits).toString();
}

describe('members are set and taken out', () => {
  test.each([
    ['of an empty object', '{}', '{"set":1}'],
    ['before the others', '{ "a": 1.0 }', '{"set":1, "a": 1.0 }'],
    [
      'in their place',
      '{"a":[1,{"set":2}],"set" : 2 ,"b":"}"}',
      '{"a":[1,{"set":2}],"set" : 1 ,"b":"}"}',
    ],
    ['first, last and only', '{"out":[1,2]}', '{"set":1}'],
    ['at the beginning', '{"out":1, "a":9007199254740993}', '{"set":1, "a":9007199254740993}'],
    ['at the end', '{"set":2,"a":1 ,"out":{"a":1} }', '{"set":1,"a":1 }'],
    [
      'every time they are there',
      '{"out":1,"set":2,"a":1,"set":3,"\\u006fut":4}',
      '{"set":1,"a":1}',
    ],
  ])('%s', (_, before, after) => {
    expect(edit(before)).toBe(after);
  });

  test('and nothing else is changed, in any object', () => {
    assert(
      property(dictionary(string(), jsonValue()), constantFrom(0, 2), (object, indent) => {
        const given = { ...object, out: 1, z: 2 };
        const { out: _, ...rest } = JSON.parse(JSON.stringify(given));
        expect(parseObject(edit(JSON.stringify(given, null, indent)))).toEqual({ ...rest, set: 1 });
      }),
    );
  });
});

test('the bytes of a value are those of the text', () => {
  const json = Buffer.from('{"é":"é","o": {"n": 1.50} }');
  expect(memberBytes(json, 'o')?.toString()).toBe('{"n": 1.50}');
  expect(memberBytes(json, 'none')).toBeUndefined();
});

const bytesOf = (...texts: readonly string[]): Buffer[] => texts.map((text) => Buffer.from(text));
const texts = (elements: readonly Buffer[]): string[] => elements.map(String);

describe('the elements of an array', () => {
  test.each<[string, string[]]>([
    ['[]', []],
    [' [ ] ', []],
    ['[1]', ['1']],
    ['[ {"a" : [1, 2]} , "]," ,-1.0e2,null ]', ['{"a" : [1, 2]}', '"],"', '-1.0e2', 'null']],
  ])('of %s are found as they are written', (array, elements) => {
    expect(texts(elementsOf(Buffer.from(array)))).toEqual(elements);
  });

  test('end where their texts do, however long these are and whatever they quote', () => {
    const piece = constantFrom('"', '\\', 'x', 'é', 'y'.repeat(70));
    assert(
      property(fcArray(piece, { maxLength: 80 }), (pieces) => {
        const written = [pieces.join(''), 'next'].map((text) => JSON.stringify(text));
        expect(texts(elementsOf(Buffer.from(`[${written.join()}]`)))).toEqual(written);
      }),
    );
  });

  test('of any array are those that it was made of', () => {
    assert(
      property(fcArray(jsonValue()), constantFrom(0, 2), (values, indent) => {
        const found = elementsOf(Buffer.from(JSON.stringify(values, null, indent)));
        expect(texts(found).map((text) => JSON.parse(text))).toEqual(
          JSON.parse(JSON.stringify(values)),
        );
        expect(JSON.parse(String(arrayOf(found)))).toEqual(JSON.parse(JSON.stringify(values)));
      }),
    );
  });
});

describe('elements are added', () => {
  test.each([
    ['[]', '["x",2]', '["x",2]'],
    ['[ ]', '["x",2 ]', '[ "x",2]'],
    ['[ 1.0, {} ]', '["x",2, 1.0, {} ]', '[ 1.0, {} ,"x",2]'],
  ])('to %s, before and behind what it has', (array, before, behind) => {
    const elements = bytesOf('"x"', '2');
    expect(String(withFirst(Buffer.from(array), elements))).toBe(before);
    expect(String(withLast(Buffer.from(array), elements))).toBe(behind);
  });

  test('when there are any', () => {
    const array = Buffer.from('[ 1 ]');
    expect(withFirst(array, [])).toBe(array);
    expect(withLast(array, [])).toBe(array);
  });
});
