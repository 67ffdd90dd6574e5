const LF = 0x0a;
const CR = 0x0d;

/** What becomes of a frame: itself, another one in its place, or nothing. */
export type EditFrame = (frame: Buffer) => Buffer | undefined;

/**
 * Takes frames out of a stream of server-sent events or puts others in their place, wherever it
 * is cut into chunks. All other bytes pass as they are; held back is at most the beginning
 * of one frame, until its end shows what it is. A frame that gets too long passes as it is.
 */
export class FrameFilter {
  readonly #edit: EditFrame;
  readonly #frameBytesMax: number;
  #held: Buffer[] = [];
  /** Length of the open frame so far; 0 between two frames. */
  #openBytes = 0;
  #isLineEmpty = true;
  /** The newest byte ended a line; a line feed that follows belongs to the same end. */
  #isAfterCr = false;
  /** Its lines end in both, so that after a carriage return the line feed is sure to come. */
  #hasCrLf = false;
  /** The open frame is whole but for the line feed of its last line end. */
  #lacksLf = false;
  #isLastHidden = false;

  constructor(edit: EditFrame, frameBytesMax: number) {
    this.#edit = edit;
    this.#frameBytesMax = frameBytesMax;
  }

  /** What of the stream may go on, now that this has come. */
  pass(chunk: Buffer): Buffer {
    const passed: Buffer[] = [];
    if (this.#lacksLf && chunk.length > 0) return this.#passWithLf(chunk);
    let start = this.#endOfSplitCrLf(chunk);
    if (start > 0 && !this.#isLastHidden) passed.push(chunk.subarray(0, start));
    while (start < chunk.length) {
      const end = this.#endOfFrame(chunk, start);
      const bytes = chunk.subarray(start, end);
      this.#hold(bytes, passed);
      if (end === undefined) break;
      this.#close(passed);
      start = end;
    }
    return passed.length === 1 && passed[0] ? passed[0] : Buffer.concat(passed);
  }

  /** A frame is one with all of its last line end, lest whoever keeps it loses the half of it. */
  #passWithLf(chunk: Buffer): Buffer {
    const passed: Buffer[] = [];
    const end = chunk[0] === LF ? 1 : 0;
    this.#hold(chunk.subarray(0, end), passed);
    this.#close(passed);
    this.#isAfterCr = false;
    return Buffer.concat([...passed, this.pass(chunk.subarray(end))]);
  }

  /** What is still held back when nothing more comes. */
  rest(): Buffer {
    const passed: Buffer[] = [];
    this.#close(passed);
    return Buffer.concat(passed);
  }

  #hold(bytes: Buffer, passed: Buffer[]): void {
    this.#openBytes += bytes.length;
    this.#held.push(bytes);
    if (this.#openBytes <= this.#frameBytesMax) return;
    passed.push(...this.#held);
    this.#held = [];
  }

  #close(passed: Buffer[]): void {
    const frame = this.#held.length === 1 ? this.#held[0] : Buffer.concat(this.#held);
    const edited = frame && frame.length > 0 ? this.#edit(frame) : frame;
    this.#isLastHidden = edited === undefined;
    if (edited !== undefined) passed.push(edited);
    this.#held = [];
    this.#openBytes = 0;
    this.#lacksLf = false;
  }

  /** The line feed of a frame's last line end, when its carriage return came in the chunk before. */
  #endOfSplitCrLf(chunk: Buffer): number {
    if (!this.#isAfterCr || this.#openBytes > 0 || chunk[0] !== LF) return 0;
    this.#isAfterCr = false;
    return 1;
  }

  /** Where the open frame ends; undefined when it goes on after this chunk. */
  #endOfFrame(chunk: Buffer, from: number): number | undefined {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at];
      const isSecondOfCrLf = byte === LF && this.#isAfterCr;
      this.#isAfterCr = byte === CR;
      this.#hasCrLf ||= isSecondOfCrLf;
      if (isSecondOfCrLf) continue;
      if (byte !== LF && byte !== CR) this.#isLineEmpty = false;
      else if (this.#isLineEmpty) return this.#endAfterBlank(chunk, at);
      else this.#isLineEmpty = true;
    }
    return undefined;
  }

  /** `at` is the line end of the blank line that ends the frame. Half of it may be in the next chunk. */
  #endAfterBlank(chunk: Buffer, at: number): number | undefined {
    if (chunk[at] === LF) return at + 1;
    this.#lacksLf = this.#hasCrLf && at + 1 === chunk.length;
    return this.#lacksLf ? undefined : at + 1 + this.#endOfCrLf(chunk, at);
  }

  #endOfCrLf(chunk: Buffer, crAt: number): number {
    if (chunk[crAt + 1] !== LF) return 0;
    this.#isAfterCr = false;
    return 1;
  }
}

/** A frame that is longer than this is none of those that are taken out. */
const HIDDEN_BYTES_MAX = 16 * 1024;

/** Takes out what is hidden, and changes nothing else. */
export function hidingFilter(hides: (frame: Buffer) => boolean): FrameFilter {
  return new FrameFilter((frame) => (hides(frame) ? undefined : frame), HIDDEN_BYTES_MAX);
}
