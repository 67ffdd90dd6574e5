import { errorText } from '../../core/errors.ts';
import { parseObject } from '../../core/json.ts';
import { SseReader, type SseEvent } from '../../core/sse-reader.ts';
import { UpstreamFailure } from '../../upstream/index.ts';
import { NOTHING_FOUND, type Api, type Findings, type StreamReader } from '../apis/api.ts';

/**
 * Reads an answer along while it is relayed. Nothing it meets can hold a byte
 * back or fail the answer: what it cannot read becomes a note in the record.
 */
export interface AnswerObserver {
  /** How this answer says that it is whole; `length` leaves that to HTTP. */
  readonly framing: 'stream' | 'length';
  chunk(bytes: Buffer): void;
  /** The stream's proper last event has been seen. */
  readonly isComplete: boolean;
  /** At least one event has been seen. */
  readonly hasBegun: boolean;
  /** True where another frame may be appended to what was relayed. */
  readonly isBetweenFrames: boolean;
  /** Nothing more will come. What was found is known when this has returned or resolved. */
  end(): void | Promise<void>;
  findings(): Findings;
  /** Why an answer that came to its end is none all the same. Of one that did not it says nothing. */
  readonly flaw: UpstreamFailure | undefined;
  readonly notes: readonly string[];
}

/** Whether a stream ended without its last event, or an error in its place. */
export function isCut(observer: AnswerObserver): boolean {
  return (
    observer.framing === 'stream' && !observer.isComplete && observer.findings().error === undefined
  );
}

export class StreamObserver implements AnswerObserver {
  readonly notes: string[] = [];
  readonly flaw = undefined;
  #isComplete = false;
  #hasBegun = false;
  readonly #reader: StreamReader;
  readonly #sse: SseReader;

  constructor(reader: StreamReader) {
    this.#reader = reader;
    this.#sse = new SseReader((event) => this.#read(event));
  }

  /** Of a stream that can no longer be read nobody knows which event was its last. */
  get framing(): 'stream' | 'length' {
    return this.#sse.isReadable ? 'stream' : 'length';
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  get isBetweenFrames(): boolean {
    return this.#sse.isBetweenFrames;
  }

  chunk(bytes: Buffer): void {
    const wasReadable = this.#sse.isReadable;
    this.#sse.chunk(bytes);
    if (wasReadable && !this.#sse.isReadable) this.#note('an event was too long to be read');
  }

  end(): void {
    this.#sse.end();
  }

  findings(): Findings {
    return this.#reader.findings();
  }

  /** An event that cannot be read hides nothing of those that follow it. */
  #read(event: SseEvent): void {
    this.#hasBegun = true;
    try {
      if (this.#reader.event(event)) this.#isComplete = true;
    } catch (error) {
      this.#note(`an event could not be read: ${errorText(error)}`);
    }
  }

  #note(text: string): void {
    if (this.notes.length < NOTES_MAX) this.notes.push(text);
  }
}

const NOTES_MAX = 10;
/** A longer answer is relayed like any other, but not kept in memory to be read. */
export const READ_BYTES_MAX = 32 * 1024 * 1024;

export class JsonObserver implements AnswerObserver {
  readonly framing = 'length';
  readonly isComplete = false;
  readonly isBetweenFrames = false;
  readonly notes: string[] = [];
  flaw: UpstreamFailure | undefined;
  readonly #api: Api;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #findings: Findings | undefined;

  constructor(api: Api) {
    this.#api = api;
  }

  get hasBegun(): boolean {
    return this.#bytes > 0;
  }

  chunk(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#bytes <= READ_BYTES_MAX) this.#chunks.push(bytes);
    else this.#chunks = [];
  }

  end(): void {
    this.#findings ??= this.#read();
  }

  findings(): Findings {
    return this.#findings ?? NOTHING_FOUND;
  }

  #read(): Findings {
    if (this.#bytes > READ_BYTES_MAX) {
      this.notes.push('the answer was too long to be read');
      return NOTHING_FOUND;
    }
    const body = parseObject(Buffer.concat(this.#chunks).toString('utf8'));
    this.#chunks = [];
    try {
      if (body !== undefined) return this.#api.readAnswer(body);
      this.flaw = new UpstreamFailure('malformed', 'the answer is not a JSON object');
    } catch (error) {
      this.notes.push(`the answer could not be read: ${errorText(error)}`);
    }
    return NOTHING_FOUND;
  }
}

/** For what is relayed without being read, and for errors, which are read beforehand. */
export class BlindObserver implements AnswerObserver {
  readonly framing = 'length';
  readonly isComplete = false;
  readonly isBetweenFrames = false;
  readonly notes: readonly string[] = [];
  readonly flaw = undefined;
  hasBegun = false;

  chunk(): void {
    this.hasBegun = true;
  }

  end(): void {
    // Nothing was read.
  }

  findings(): Findings {
    return NOTHING_FOUND;
  }
}
