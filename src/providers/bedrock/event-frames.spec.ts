import { crc32 } from 'node:zlib';
import { EventStreamCodec } from '@smithy/eventstream-codec';
import { describe, expect, test } from 'vitest';
import { EventFrames } from './event-frames.ts';

const codec = new EventStreamCodec(
  (data) => Buffer.from(data).toString('utf8'),
  (text) => Buffer.from(text),
);

function frame(headers: Record<string, string>, payload: object | string): Buffer {
  const typed = Object.entries(headers).map(([name, value]) => [
    `:${name}`,
    { type: 'string' as const, value },
  ]);
  const body = typeof payload === 'string' ? payload : JSON.stringify(payload);
  return Buffer.from(codec.encode({ headers: Object.fromEntries(typed), body: Buffer.from(body) }));
}

function chunk(event: string): Buffer {
  const bytes = Buffer.from(event).toString('base64');
  const headers = { 'message-type': 'event', 'event-type': 'chunk' };
  return frame(headers, { bytes, p: 'abcdef' });
}

const START = '{"type":"message_start","n":9007199254740993,"text":"é🌍"}';
const STOP = '{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":3}}';
const STREAM = Buffer.concat([chunk(START), chunk(STOP)]);
const EVENTS = `event: message_start\ndata: ${START}\n\nevent: message_stop\ndata: ${STOP}\n\n`;

function decoded(pieces: readonly Buffer[]): { text: string; frames: EventFrames } {
  const frames = new EventFrames(codec);
  const text = Buffer.concat(pieces.map((piece) => frames.pass(piece))).toString();
  return { text, frames };
}

describe('P-43: the event stream of AWS', () => {
  test('is the same however it is cut', () => {
    for (let at = 0; at <= STREAM.length; at += 1) {
      const { text, frames } = decoded([STREAM.subarray(0, at), STREAM.subarray(at)]);
      expect(text).toBe(EVENTS);
      expect(frames.isBetweenFrames).toBe(true);
    }
    expect(decoded([...STREAM].map((byte) => Buffer.of(byte))).text).toBe(EVENTS);
  });

  test('is known to be cut in every place but between two frames', () => {
    const between = new Set([0, chunk(START).length, STREAM.length]);
    for (let at = 0; at <= STREAM.length; at += 1) {
      const { frames } = decoded([STREAM.subarray(0, at)]);
      expect(frames.isBetweenFrames).toBe(between.has(at));
      expect(frames.failure).toBeUndefined();
    }
  });

  // A bit that tips anywhere must not become a word of the answer.
  test('is not believed when a single byte of it is wrong', () => {
    for (let at = 0; at < STREAM.length; at += 1) {
      const damaged = Buffer.from(STREAM);
      damaged[at] = (damaged[at] ?? 0) ^ 0x20;
      const { text, frames } = decoded([damaged]);
      expect(frames.failure).toMatch(/^the event stream cannot be read: /);
      expect(EVENTS.startsWith(text)).toBe(true);
      expect(frames.pass(STREAM)).toHaveLength(0);
    }
  });

  test('may have frames that say nothing here', () => {
    const other = frame({ 'message-type': 'event', 'event-type': 'metadata' }, {});
    expect(decoded([other, chunk(STOP)]).text).toBe(`event: message_stop\ndata: ${STOP}\n\n`);
  });

  test('may have events over several lines', () => {
    expect(decoded([chunk('{"type":"ping",\n"a":1}')]).text).toBe(
      'event: ping\ndata: {"type":"ping",\ndata: "a":1}\n\n',
    );
  });

  test.each<[string, Buffer]>([
    ['a frame of no kind', frame({ 'event-type': 'chunk' }, {})],
    ['an event that is none', chunk('"text"')],
    ['a chunk without bytes', frame({ 'message-type': 'event', 'event-type': 'chunk' }, {})],
    ['HTML', Buffer.from('<!DOCTYPE html><html>')],
  ])('cannot be read with %s in it', (_, bytes) => {
    const { text, frames } = decoded([chunk(STOP), bytes]);
    expect(text).toBe(`event: message_stop\ndata: ${STOP}\n\n`);
    expect(frames.failure).toBeDefined();
  });

  test.each([
    [16 * 1024 * 1024 + 1, 0],
    [1_000_000, 128 * 1024 + 1],
    [20, 5],
    [15, 0],
    [0, 0],
  ])('is given up at once for a frame of %i bytes with %i of headers', (length, headers) => {
    const prelude = Buffer.alloc(12);
    prelude.writeUInt32BE(length, 0);
    prelude.writeUInt32BE(headers, 4);
    prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8);
    expect(decoded([prelude]).frames.failure).toContain(`a frame of ${length} bytes`);
  });
});

describe('an exception in the stream is an error event of Anthropic', () => {
  test.each([
    ['throttlingException', 'rate_limit_error'],
    ['modelStreamErrorException', 'api_error'],
    ['internalServerException', 'api_error'],
    ['serviceUnavailableException', 'overloaded_error'],
    ['modelTimeoutException', 'timeout_error'],
    ['validationException', 'invalid_request_error'],
    ['somethingNewException', 'api_error'],
  ])('%s', (name, type) => {
    const headers = { 'message-type': 'exception', 'exception-type': name };
    const [event, data] = decoded([frame(headers, { message: 'why' })]).text.split('\ndata: ');
    const code = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    expect(event).toBe('event: error');
    expect(JSON.parse(data ?? '')).toEqual({
      type: 'error',
      error: { type, message: `${code}: why`, code },
    });
  });

  test('an error without a model of its own', () => {
    const headers = {
      'message-type': 'error',
      'error-code': 'InternalFailure',
      'error-message': 'x',
    };
    expect(decoded([frame(headers, '')]).text).toContain('"message":"InternalFailure: x"');
  });
});
