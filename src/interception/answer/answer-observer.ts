import { errorText } from '../../core/errors.ts';
import { parseObject } from '../../core/json.ts';
import { SseReader, type SseEvent } from '../../core/sse-reader.ts';
import type { UpstreamError } from '../../providers/index.ts';
import { UpstreamFailure } from '../../upstream/index.ts';
import {
  NOTHING_FOUND,
  type Api,
  type Findings,
  type InBandError,
  type StreamReader,
} from '../apis/api.ts';
import { Gaps } from '../apis/gaps.ts';

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
  /** A stream has said all of its answer, and not that this is the end of it. */
  readonly lacksLastEvent: boolean;
  /** At least one event has been seen. */
  readonly hasBegun: boolean;
  /** True where another frame may be appended to what was relayed. */
  readonly isBetweenFrames: boolean;
  /** Nothing more will come. What was found is known when this has returned or resolved. */
  end(): void | Promise<void>;
  findings(): Findings;
  /** The provider's error, when it is the first event of a stream, however that is cut into chunks. */
  readonly openingError?: UpstreamError | undefined;
  /** Why an answer that came to its end is none all the same. Of one that did not it says nothing. */
  readonly flaw: UpstreamFailure | undefined;
  readonly notes: readonly string[];
  /** Whether there was anything in the answer that could not be read. */
  readonly hasGaps: boolean;
  /** The frame that ends a stream which has gone wrong; empty where there are no frames. */
  inBandError(error: InBandError): string;
}

/** Whether a stream ended before its answer was whole, and without an error in its place. */
export function isCut(observer: AnswerObserver): boolean {
  return (
    observer.framing === 'stream' &&
    !observer.isComplete &&
    !observer.lacksLastEvent &&
    observer.findings().error === undefined
  );
}

/** Makes the reader of a stream, which says in the gaps what it could not read. */
export type StartReading = (gaps: Gaps) => StreamReader;

export class StreamObserver implements AnswerObserver {
  readonly flaw = undefined;
  readonly #gaps = new Gaps();
  #isComplete = false;
  #hasBegun = false;
  #hasEnded = false;
  #openingError: UpstreamError | undefined;
  readonly #reader: StreamReader;
  readonly #sse: SseReader;

  constructor(startReading: StartReading) {
    this.#reader = startReading(this.#gaps);
    this.#sse = new SseReader((event) => this.#read(event));
  }

  /** Of a stream that can no longer be read nobody knows which event was its last. */
  get framing(): 'stream' | 'length' {
    return this.#sse.isReadable ? 'stream' : 'length';
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  get lacksLastEvent(): boolean {
    return this.#reader.isFinished && !this.#isComplete;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  get openingError(): UpstreamError | undefined {
    return this.#openingError;
  }

  get isBetweenFrames(): boolean {
    return this.#sse.isBetweenFrames;
  }

  get notes(): readonly string[] {
    return this.#gaps.notes;
  }

  get hasGaps(): boolean {
    return !this.#gaps.isEmpty;
  }

  chunk(bytes: Buffer): void {
    const wasReadable = this.#sse.isReadable;
    this.#sse.chunk(bytes);
    if (wasReadable && !this.#sse.isReadable) this.#gaps.add('an event was too long to be read');
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#sse.end();
    this.#reader.end();
  }

  inBandError(error: InBandError): string {
    return this.#reader.inBandError(error);
  }

  findings(): Findings {
    return this.#reader.findings();
  }

  /** An event that cannot be read hides nothing of those that follow it. */
  #read(event: SseEvent): void {
    // It says nothing, as comments do: some servers keep a connection open with such.
    if (event.name === '' && event.data === '') return;
    const isFirst = !this.#hasBegun;
    this.#hasBegun = true;
    try {
      if (this.#reader.event(event)) this.#isComplete = true;
      if (isFirst) this.#openingError = this.#reader.findings().error;
    } catch (error) {
      this.#gaps.add(`an event could not be read: ${errorText(error)}`);
    }
  }
}
/** A longer answer is relayed like any other, but not kept in memory to be read. */
export const READ_BYTES_MAX = 32 * 1024 * 1024;

export class JsonObserver implements AnswerObserver {
  readonly framing = 'length';
  readonly isComplete = false;
  readonly lacksLastEvent = false;
  readonly isBetweenFrames = false;
  flaw: UpstreamFailure | undefined;
  readonly #api: Pick<Api, 'readAnswer'>;
  readonly #gaps = new Gaps();
  #chunks: Buffer[] = [];
  #bytes = 0;
  #findings: Findings | undefined;

  constructor(api: Pick<Api, 'readAnswer'>) {
    this.#api = api;
  }

  get notes(): readonly string[] {
    return this.#gaps.notes;
  }

  get hasGaps(): boolean {
    return !this.#gaps.isEmpty;
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
      this.#gaps.add('the answer was too long to be read');
      return NOTHING_FOUND;
    }
    const body = parseObject(Buffer.concat(this.#chunks).toString('utf8'));
    this.#chunks = [];
    try {
      if (body !== undefined) return this.#api.readAnswer(body, this.#gaps);
      this.flaw = new UpstreamFailure('malformed', 'the answer is not a JSON object');
    } catch (error) {
      this.#gaps.add(`the answer could not be read: ${errorText(error)}`);
    }
    return NOTHING_FOUND;
  }

  inBandError(): string {
    return '';
  }
}

/** For what is relayed without being read, and for errors, which are read beforehand. */
export class BlindObserver implements AnswerObserver {
  readonly framing = 'length';
  readonly isComplete = false;
  readonly lacksLastEvent = false;
  readonly isBetweenFrames = false;
  readonly notes: readonly string[] = [];
  readonly hasGaps = false;
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

  inBandError(): string {
    return '';
  }
}
