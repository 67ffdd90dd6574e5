import { UpstreamFailure } from '../../upstream/index.ts';
import { isCut, READ_BYTES_MAX, type AnswerObserver } from './answer-observer.ts';
import type { Findings } from '../apis/api.ts';
import { decode, type Decoded } from '../../core/content-decoding.ts';

/**
 * Reads an answer that came compressed, though that was not asked for, once it has come to
 * its end. Until then nobody knows what is in it: it is relayed as bytes of which HTTP says
 * how many there are, and an error in it comes too late for another key.
 */
export class PackedObserver implements AnswerObserver {
  readonly framing = 'length';
  readonly isComplete = false;
  readonly isBetweenFrames = false;
  hasBegun = false;
  readonly #encoding: string;
  /** What reads the answer when it is unpacked. */
  readonly #reader: AnswerObserver;
  readonly #notes: string[] = [];
  #flaw: UpstreamFailure | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #ended: Promise<void> | undefined;

  constructor(encoding: string, reader: AnswerObserver) {
    this.#encoding = encoding;
    this.#reader = reader;
  }

  chunk(bytes: Buffer): void {
    this.hasBegun = true;
    this.#bytes += bytes.length;
    if (this.#bytes <= READ_BYTES_MAX) this.#chunks.push(bytes);
    else this.#chunks = [];
  }

  end(): Promise<void> {
    this.#ended ??= this.#read();
    return this.#ended;
  }

  findings(): Findings {
    return this.#reader.findings();
  }

  get lacksLastEvent(): boolean {
    return this.#reader.lacksLastEvent;
  }

  get hasGaps(): boolean {
    return this.#notes.length > 0 || this.#reader.hasGaps;
  }

  get flaw(): UpstreamFailure | undefined {
    return this.#flaw ?? this.#reader.flaw;
  }

  get notes(): readonly string[] {
    return [...this.#notes, ...this.#reader.notes];
  }

  inBandError(): string {
    return '';
  }

  async #read(): Promise<void> {
    const decoded = await this.#decoded();
    this.#chunks = [];
    if (decoded.kind === 'decoded') {
      this.#reader.chunk(decoded.bytes);
      await this.#reader.end();
      if (isCut(this.#reader)) {
        this.#flaw = new UpstreamFailure('truncated', 'the stream ended without its last event');
      }
      return;
    }
    const what = `the answer came with Content-Encoding ${decoded.encoding}`;
    if (decoded.kind === 'invalid') {
      this.#flaw = new UpstreamFailure('malformed', `${what} and is not valid`);
    } else {
      const why = decoded.kind === 'too_large' ? 'too long' : 'not known';
      this.#notes.push(`${what}, which is ${why}, and was not read`);
    }
  }

  #decoded(): Decoded | Promise<Decoded> {
    if (this.#bytes > READ_BYTES_MAX) return { kind: 'too_large', encoding: this.#encoding };
    return decode(Buffer.concat(this.#chunks), this.#encoding, READ_BYTES_MAX);
  }
}
