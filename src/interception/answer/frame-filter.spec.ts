import { array, assert, property, stringMatching } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameFilter, hidingFilter } from './frame-filter.ts';

const isHidden = (frame: Buffer): boolean => frame.includes('HIDDEN');

/** What passes of a stream that is cut at these offsets. */
function filtered(stream: string, cuts: readonly number[]): string {
  const filter = hidingFilter(isHidden);
  const bytes = Buffer.from(stream);
  const ends = [...cuts, bytes.length].toSorted((a, b) => a - b);
  const passed = ends.map((end, index) => filter.pass(bytes.subarray(ends[index - 1] ?? 0, end)));
  return Buffer.concat([...passed, filter.rest()]).toString();
}

const FRAMES = ['data: one\n\n', ': ping\n\n', 'data: HIDDEN\nid: 1\n\n', 'data: [DONE]\n\n'];
const EOLS = [
  ['LF', '\n'],
  ['CRLF', '\r\n'],
  ['CR', '\r'],
] as const;

describe.each(EOLS)('with %s as line end', (_, eol) => {
  const written = (frames: readonly string[]): string => frames.join('').replaceAll('\n', eol);

  test('takes out the hidden frame and no other byte, wherever the stream is cut', () => {
    const stream = written(FRAMES);
    const expected = written(FRAMES.filter((frame) => !frame.includes('HIDDEN')));
    for (let first = 0; first <= stream.length; first += 1) {
      expect(filtered(stream, [first])).toBe(expected);
      expect(filtered(stream, [first, first + 1, first + 2])).toBe(expected);
    }
    expect(
      filtered(
        stream,
        Array.from(stream, (_char, at) => at),
      ),
    ).toBe(expected);
  });

  test('lets a frame go as soon as its last byte is there', () => {
    const filter = hidingFilter(isHidden);
    const frame = Buffer.from(written(['data: one\n\n']));
    const early = [...frame].map((byte) => filter.pass(Buffer.of(byte)).toString());
    expect(early.join('')).toBe(frame.toString());
  });
});

// Whoever keeps a frame for later has to have all of it, or the stream is not the one that came.
test('shows a frame together with its whole last line end, wherever the stream is cut', () => {
  const seen: string[] = [];
  const filter = new FrameFilter((frame) => void seen.push(frame.toString()), Infinity);
  const frames = ['data: one\r\n\r\n', ': ping\r\n\r\n', 'data: two\r\n\r\n'];
  for (const byte of Buffer.from(frames.join(''))) filter.pass(Buffer.of(byte));
  filter.rest();
  expect(seen).toEqual(frames);
});

test('gives up what is unfinished when nothing more comes', () => {
  expect(filtered('data: one\n\ndata: tw', [4])).toBe('data: one\n\ndata: tw');
});

test('takes out a hidden frame that only lacks its empty line', () => {
  expect(filtered('data: one\n\ndata: HIDDEN', [14])).toBe('data: one\n\n');
});

test('holds no more than a hidden frame could be long', () => {
  const filter = hidingFilter(isHidden);
  const piece = Buffer.alloc(1024, 'x');
  let passedBytes = 0;
  for (let count = 1; count <= 1024; count += 1) {
    passedBytes += filter.pass(piece).length;
    expect(count * 1024 - passedBytes).toBeLessThanOrEqual(16 * 1024);
  }
  expect(filter.pass(Buffer.from('HIDDEN\n\n')).toString()).toBe('HIDDEN\n\n');
  expect(filter.pass(Buffer.from('data: HIDDEN\n\n'))).toHaveLength(0);
});

test('passes any bytes unchanged when nothing is hidden', () => {
  const piece = stringMatching(/^[\r\n:a]{0,12}$/);
  assert(
    property(array(piece), (pieces) => {
      const filter = hidingFilter(() => false);
      const passed = pieces.map((text) => filter.pass(Buffer.from(text)));
      expect(Buffer.concat([...passed, filter.rest()]).toString()).toBe(pieces.join(''));
    }),
  );
});
