import { assert, constantFrom, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { frameOf, readFrame, withData } from './sse-frame.ts';
import { SseReader, type SseEvent } from './sse-reader.ts';

const read = (text: string): SseEvent | undefined => readFrame(Buffer.from(text));

describe('a frame', () => {
  test.each<[string, string, SseEvent]>([
    ['has a name and data', 'event: a\ndata: {}\n\n', { name: 'a', data: '{}' }],
    ['may have no name', 'data: x\n\n', { name: '', data: 'x' }],
    ['may leave out spaces', 'event:a\ndata:x\n\n', { name: 'a', data: 'x' }],
    ['may end its lines otherwise', 'event: a\r\ndata: x\r\n\r\n', { name: 'a', data: 'x' }],
    ['and otherwise still', 'event: a\rdata: x\r\r', { name: 'a', data: 'x' }],
    ['may have several lines of data', 'data: x\ndata: y\n\n', { name: '', data: 'x\ny' }],
    ['may have other fields', ': hi\nid: 7\ndata: x\nretry: 1\n\n', { name: '', data: 'x' }],
    ['may lack its end', 'data: x', { name: '', data: 'x' }],
  ])('%s', (_, text, event) => {
    expect(read(text)).toEqual(event);
  });

  test.each([': hi\n\n', '\n', 'event: a\n\n'])('says nothing in %j', (text) => {
    expect(read(text)).toBeUndefined();
  });

  test('is read as any reader of streams does', () => {
    const value = string().filter((text) => !/[\r\n\0]/.test(text));
    assert(
      property(value, value, constantFrom('\n', '\r\n', '\r'), (name, data, end) => {
        const text = `event: ${name}${end}data: ${data}${end}${end}`;
        const seen: SseEvent[] = [];
        const reader = new SseReader((event) => seen.push(event));
        reader.chunk(Buffer.from(text));
        reader.end();
        expect([read(text)]).toEqual(seen);
      }),
    );
  });
});

describe('other data', () => {
  test.each([
    ['event: a\ndata: x\n\n', 'event: a\ndata: new\n\n'],
    [': hi\r\nevent:a\r\ndata:x\r\n\r\n', ': hi\r\nevent:a\r\ndata: new\r\n\r\n'],
    ['data: x\rdata: y\r\r', 'data: new\r\r'],
    ['id: 1\ndata: x\nid: 2\n\n', 'id: 1\ndata: new\nid: 2\n\n'],
  ])('takes the place of what %j had', (before, after) => {
    expect(String(withData(Buffer.from(before), 'new'))).toBe(after);
  });
});

test('data over several lines is written in one', () => {
  const frame = Buffer.from('data: {\ndata: "a":1}\n\n');
  expect(String(withData(frame, '{\n"a":2}'))).toBe('data: { "a":2}\n\n');
});

test('a frame of its own is read back', () => {
  const event = { name: 'ping', data: '{"type": "ping"}' };
  expect(readFrame(frameOf(event))).toEqual(event);
  expect(String(frameOf({ name: '', data: 'x' }))).toBe('data: x\n\n');
});
