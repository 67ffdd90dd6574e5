import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { anAttempt, aStart } from '../../../test/support/record-events.ts';
import { decodeLine, encodeLine, sealLines, unsealedLine } from './journal-line.ts';

const line = encodeLine(aStart()).trimEnd();

test('an event comes back as it went in', () => {
  const event = aStart({ model: 'claude "quoted"\nand broken \u0000 \ud800', userAgent: '🦊' });
  expect(decodeLine(encodeLine(event).slice(0, -1))).toEqual({ kind: 'event', event });
});

test('an event takes one line, whatever is in it', () => {
  expect(encodeLine(aStart({ model: 'a\nb\r\n\u2028c' })).indexOf('\n')).toBe(
    encodeLine(aStart({ model: 'a\nb\r\n\u2028c' })).length - 1,
  );
});

describe('a line is recognised as damaged', () => {
  test('when any one of its characters has changed', () => {
    for (let index = 0; index < line.length; index += 1) {
      const changed = `${line.slice(0, index)}${line[index] === 'x' ? 'y' : 'x'}${line.slice(index + 1)}`;
      expect(decodeLine(changed)).toEqual({ kind: 'damaged' });
    }
  });

  test('when it is cut at any place', () => {
    for (let length = 0; length < line.length; length += 1) {
      expect(decodeLine(line.slice(0, length))).toEqual({ kind: 'damaged' });
    }
  });
});

describe('a line that is sound but says nothing this program can store is damaged, not lost', () => {
  test.each([
    ['what is no JSON', '{"kind":"start"'],
    ['a kind that nobody knows', '{"kind":"verdict","id":"1"}'],
    ['a name that every object has', '{"kind":"constructor","id":"1"}'],
    ['no interception', '{"kind":"end"}'],
  ])('%s', (_, json) => {
    const body = `1 ${json}`;
    const checksum = crc32(body).toString(16).padStart(8, '0');
    expect(decodeLine(`${checksum} ${body}`)).toEqual({ kind: 'damaged' });
  });
});

test('a line of a version that this program does not know is told apart from a damaged one', () => {
  // The same line as a later program would write it, with its own checksum.
  expect(decodeLine('48d79f45 2 {"kind":"start"}')).toEqual({
    kind: 'unknown_version',
    version: '2',
  });
});

test('lines are sealed as they would be one by one', () => {
  const { kind, id, at, ...start } = aStart({ userAgent: 'a "quoted" 🦊' });
  const { kind: childKind, id: ofId, at: childAt, rowId, ...facts } = anAttempt();
  const lines =
    unsealedLine({ kind, id, at }, start) +
    unsealedLine({ kind: childKind, id: ofId, at: childAt, rowId }, facts);
  const sealed =
    encodeLine({ kind, id, at, ...start }) +
    encodeLine({ kind: childKind, id: ofId, at: childAt, rowId, ...facts });
  expect(sealLines(Buffer.from(lines)).toString()).toBe(sealed);
});
