import { describe, expect, test } from 'vitest';
import { SseReader, type SseEvent } from './sse-reader.ts';

/** The events of a stream that arrives in these pieces. */
function read(...pieces: readonly Uint8Array[]): SseEvent[] {
  const events: SseEvent[] = [];
  const reader = new SseReader((event) => events.push(event));
  for (const piece of pieces) reader.chunk(piece);
  reader.end();
  return events;
}

function bytewise(text: string): Buffer[] {
  return [...Buffer.from(text)].map((byte) => Buffer.of(byte));
}

const STREAM =
  ': hello\n\nevent: start\ndata: {"é":"🌍"}\n\nid: 7\nretry: 5\ndata:one\ndata: two\nvendor: x\n\n';
const EVENTS = [
  { name: 'start', data: '{"é":"🌍"}' },
  { name: '', data: 'one\ntwo' },
];

describe.each([
  ['LF', '\n'],
  ['CRLF', '\r\n'],
  ['CR', '\r'],
])('with %s as line end', (_, eol) => {
  const stream = STREAM.replaceAll('\n', eol);
  const bytes = Buffer.from(stream);

  test('finds the same events wherever the stream is cut', () => {
    for (let at = 0; at <= bytes.length; at += 1) {
      expect(read(bytes.subarray(0, at), bytes.subarray(at))).toEqual(EVENTS);
    }
    expect(read(...bytewise(stream))).toEqual(EVENTS);
  });

  test('knows at every byte whether a frame is open', () => {
    const reader = new SseReader(() => undefined);
    expect(reader.isBetweenFrames).toBe(true);
    const frame = Buffer.from(`data: x${eol}${eol}`);
    const open = [...frame].map((byte) => {
      reader.chunk(Buffer.of(byte));
      return !reader.isBetweenFrames;
    });
    expect(open.slice(0, 'data: x'.length + eol.length)).not.toContain(false);
    expect(open.at(-1)).toBe(false);
  });
});

test('reads an event of a megabyte, in one piece and in many', () => {
  const data = 'x'.repeat(1024 * 1024);
  const bytes = Buffer.from(`data: ${data}\n\n`);
  const pieces = Array.from({ length: 1100 }, (_, index) =>
    bytes.subarray(index * 1000, (index + 1) * 1000),
  );
  expect(read(bytes)).toEqual([{ name: '', data }]);
  expect(read(...pieces)).toEqual([{ name: '', data }]);
});

test.each([
  ['only lacks its empty line', 'data: x\n', [{ name: '', data: 'x' }]],
  ['only lacks its line ends', 'data: x', [{ name: '', data: 'x' }]],
  ['has no data', 'event: x', []],
])('at the end of the stream an event that %s is read as far as it is one', (_, text, events) => {
  expect(read(Buffer.from(text))).toEqual(events);
});

test('ignores what means nothing', () => {
  const noise = '\uFEFF: c\n\nretry: soon\n\nwhat\n\nevent: x\n\n\n\ndata\n\n';
  expect(read(Buffer.from(noise))).toEqual([{ name: '', data: '' }]);
});

test('reads on past bytes that are no UTF-8', () => {
  const bytes = Buffer.concat([Buffer.from('data: '), Buffer.of(0xff, 0xc3), Buffer.from('\n\n')]);
  expect(read(bytes)).toEqual([{ name: '', data: '\uFFFD\uFFFD' }]);
});

test('gives up an event that is too long and takes any number of bytes after it', () => {
  const events: SseEvent[] = [];
  const reader = new SseReader((event) => events.push(event));
  const megabyte = Buffer.alloc(1024 * 1024, 'x');
  reader.chunk(Buffer.from('data: '));
  for (let count = 0; count <= 32; count += 1) reader.chunk(megabyte);
  expect(reader.isReadable).toBe(false);
  reader.chunk(Buffer.from('\n\ndata: y\n\n'));
  reader.end();
  expect(events).toEqual([]);
});
