import { createParser } from 'eventsource-parser';

export interface SseEvent {
  /** The event's name; empty when it has none. */
  readonly name: string;
  readonly data: string;
}

const LF = 0x0a;
const CR = 0x0d;
/** An event this long is no longer kept in memory to be read; it is relayed all the same. */
const EVENT_LENGTH_MAX = 32 * 1024 * 1024;

/**
 * Reads events out of a byte stream cut at any place. A stream that cannot be
 * read any further says so in `isReadable` and costs nothing from then on.
 */
export class SseReader {
  #isReadable = true;
  readonly #decoder = new TextDecoder('utf-8');
  readonly #parser;
  /** The newest bytes, as far as needed to know whether a frame is open. */
  #tail: readonly number[] = [];

  constructor(onEvent: (event: SseEvent) => void) {
    this.#parser = createParser({
      maxBufferSize: EVENT_LENGTH_MAX,
      onEvent: ({ event, data }) => onEvent({ name: event ?? '', data }),
      onError: (error) => {
        // Lines that mean nothing are skipped, as a browser does; a full buffer is the end.
        if (error.type === 'max-buffer-size-exceeded') this.#isReadable = false;
      },
    });
  }

  get isReadable(): boolean {
    return this.#isReadable;
  }

  /** True when the bytes so far end between two frames, where another one may follow. */
  get isBetweenFrames(): boolean {
    const [last, beforeLast, third] = this.#tail;
    if (last === undefined) return true;
    if (last === LF)
      return beforeLast === LF || (beforeLast === CR && (third === LF || third === CR));
    return last === CR && (beforeLast === CR || beforeLast === LF);
  }

  chunk(bytes: Uint8Array): void {
    this.#remember(bytes);
    if (this.#isReadable) this.#parser.feed(this.#decoder.decode(bytes, { stream: true }));
  }

  /** At the end of the stream: an event without its closing blank line still counts. */
  end(): void {
    if (this.#isReadable) this.#parser.feed(`${this.#decoder.decode()}\n\n`);
  }

  #remember(bytes: Uint8Array): void {
    const newest = [bytes.at(-1), bytes.at(-2), bytes.at(-3)].filter((byte) => byte !== undefined);
    this.#tail = [...newest, ...this.#tail].slice(0, 3);
  }
}
