import { crc32 } from 'node:zlib';
import type { EventStreamCodec } from '@smithy/eventstream-codec';
import { errorText } from '../../core/errors.ts';
import { parseObject, stringAt } from '../../core/json.ts';
import type { StreamDecoder } from '../translation.ts';
import { streamError } from './aws-errors.ts';

type Message = ReturnType<EventStreamCodec['decode']>;

/** Total length, length of the headers, and the checksum of the two. */
const PRELUDE_BYTES = 12;
const OVERHEAD_BYTES = 16;
/** What AWS allows a frame, and its headers. */
const FRAME_BYTES_MAX = 16 * 1024 * 1024;
const HEADER_BYTES_MAX = 128 * 1024;
const NOTHING = Buffer.alloc(0);

/**
 * The event-stream of AWS as the server-sent events of Anthropic's API. A frame is held until it is
 * whole; what its beginning says of its length is believed once the checksum fits.
 */
export class EventFrames implements StreamDecoder {
  readonly #codec: EventStreamCodec;
  /** Of the frame that is under way. */
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** How many bytes have to be there before anything can be done. */
  #wanted = PRELUDE_BYTES;
  #failure: string | undefined;

  constructor(codec: EventStreamCodec) {
    this.#codec = codec;
  }

  get isBetweenFrames(): boolean {
    return this.#bytes === 0;
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  pass(bytes: Buffer): Buffer {
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes < this.#wanted || this.#failure !== undefined) return NOTHING;
    let rest = Buffer.concat(this.#pieces);
    const events: Buffer[] = [];
    try {
      while (rest.length >= (this.#wanted = wantedFor(rest))) {
        events.push(eventOf(this.#codec.decode(rest.subarray(0, this.#wanted))));
        rest = rest.subarray(this.#wanted);
      }
    } catch (error) {
      // What came before is whole, and its reader gets it.
      this.#failure = `the event stream cannot be read: ${errorText(error)}`;
      rest = NOTHING;
    }
    this.#pieces = [rest];
    this.#bytes = rest.length;
    return Buffer.concat(events);
  }
}

/** The length of the frame that these bytes begin with, or of what tells it. */
function wantedFor(bytes: Buffer): number {
  if (bytes.length < PRELUDE_BYTES) return PRELUDE_BYTES;
  if (crc32(bytes.subarray(0, 8)) !== bytes.readUInt32BE(8)) {
    throw new Error('the checksum of the beginning of a frame does not fit');
  }
  const [length, headersLength] = [bytes.readUInt32BE(0), bytes.readUInt32BE(4)];
  if (
    length > FRAME_BYTES_MAX ||
    headersLength > HEADER_BYTES_MAX ||
    headersLength > length - OVERHEAD_BYTES
  ) {
    throw new Error(`a frame of ${length} bytes has ${headersLength} bytes of headers`);
  }
  return length;
}

function eventOf({ headers, body }: Message): Buffer {
  const text = (name: string): string => {
    const header = headers[name];
    return header?.type === 'string' ? header.value : '';
  };
  const payload = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  switch (text(':message-type')) {
    case 'event':
      return text(':event-type') === 'chunk' ? chunkEvent(payload) : NOTHING;
    case 'exception':
      return errorEvent(text(':exception-type'), messageIn(payload));
    case 'error':
      return errorEvent(text(':error-code'), text(':error-message'));
    default:
      throw new Error('a frame is of no known kind');
  }
}

/** Everything of the event is kept, also what only Bedrock says. */
function chunkEvent(payload: string): Buffer {
  const base64 = stringAt(parseObject(payload), 'bytes');
  const json = base64 === undefined ? '' : Buffer.from(base64, 'base64').toString('utf8');
  const event = parseObject(json);
  if (event === undefined) throw new Error('a frame has no event in it');
  return sse(stringAt(event, 'type') ?? '', json);
}

/** In streams AWS writes the names of its errors with a small letter first. */
function errorEvent(named: string, message: string): Buffer {
  const name = named.slice(0, 1).toUpperCase() + named.slice(1);
  return sse('error', JSON.stringify(streamError({ name, message })));
}

function messageIn(payload: string): string {
  const body = parseObject(payload);
  return stringAt(body, 'message') ?? stringAt(body, 'Message') ?? payload.slice(0, 1_000);
}

function sse(name: string, data: string): Buffer {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  const event = /^[\w.-]+$/.test(name) ? `event: ${name}\n` : '';
  return Buffer.from(`${event}${lines.join('')}\n`);
}
