import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordEvent } from './events.ts';
import { decodeLine } from './journal-line.ts';
import { listSegments, type Segment } from './journal-segments.ts';

/** A stretch of a journal that could not be read as an event. */
export interface DamagedLine {
  readonly file: string;
  /** Byte offset within the file. */
  readonly offset: number;
  readonly reason: 'damaged' | 'torn' | 'unknown_version';
  readonly bytes: Buffer;
}

/** A stretch of a journal that is not there, from one position to another. */
export interface MissingStretch {
  readonly from: number;
  readonly to: number;
}

export interface JournalBatch {
  readonly events: readonly RecordEvent[];
  readonly damaged: readonly DamagedLine[];
  /** All that there is of this batch: it has been lost. */
  readonly missing?: MissingStretch;
  /** Where this one begins. */
  readonly start: number;
  /** Where the next batch begins. */
  readonly position: number;
}

const READ_BYTES = 1024 * 1024;
const LINE_FEED = 0x0a;

/**
 * Reads a journal from its oldest segment on, batch by batch, up to the position
 * it is told; the journal of a dead process is read to the end of its files.
 */
export class JournalReader {
  #position: number;
  #newestMs: number | undefined;
  #file: { readonly segment: Segment; readonly handle: FileHandle } | undefined;

  /** `position`: how far an earlier reader has come with it. */
  constructor(
    private readonly directory: string,
    position = 0,
  ) {
    this.#position = position;
  }

  /** When the newest event was written that has been read, by the clock of who wrote it. */
  get newestMs(): number | undefined {
    return this.#newestMs;
  }

  /** Goes on from there, whatever is before. */
  skipTo(position: number): void {
    this.#position = Math.max(this.#position, position);
  }

  /** The next whole lines below `limit`, or the stretch that is missing next; undefined when there is nothing. */
  async next(limit = Infinity): Promise<JournalBatch | undefined> {
    const segments = await listSegments(this.directory);
    for (const [index, segment] of segments.entries()) {
      const [from, to] = [this.#position, segment.start];
      const isMissing = to > from && to <= limit;
      const end = Math.min(limit, segments[index + 1]?.start ?? Infinity);
      const batch = isMissing ? stretch(from, to) : await this.#read(segment, from, end);
      if (batch !== undefined) {
        this.#position = batch.position;
        this.#newestMs = batch.events.at(-1)?.at ?? this.#newestMs;
        return batch;
      }
    }
    return undefined;
  }

  /** Reads on from here, or from the oldest segment there is. */
  moveTo(position: number): void {
    this.#position = position;
  }

  /** Where the oldest segment begins; undefined where there is none. */
  async oldest(): Promise<number | undefined> {
    return (await listSegments(this.directory))[0]?.start;
  }

  /** Deletes the segments that lie wholly below `position`; answers where the oldest one left begins. */
  async deleteBelow(position: number): Promise<number> {
    const segments = await listSegments(this.directory);
    for (const [index, segment] of segments.entries()) {
      const following = segments[index + 1];
      if (following === undefined || following.start > position) return segment.start;
      // Its room is free when nobody has it open.
      if (this.#file?.segment.name === segment.name) await this.close();
      await unlink(join(this.directory, segment.name));
    }
    return position;
  }

  async close(): Promise<void> {
    await this.#file?.handle.close();
    this.#file = undefined;
  }

  async #read(segment: Segment, position: number, end: number): Promise<JournalBatch | undefined> {
    if (position >= end || position < segment.start) return undefined;
    const handle = await this.#open(segment);
    const offset = position - segment.start;
    for (let size = READ_BYTES; ; size *= 2) {
      const wanted = Math.min(size, end - position);
      if (wanted <= 0) return undefined;
      const buffer = Buffer.alloc(wanted);
      const { bytesRead } = await handle.read(buffer, 0, wanted, offset);
      if (bytesRead === 0) return undefined;
      const bytes = buffer.subarray(0, bytesRead);
      const wholeLines = bytes.lastIndexOf(LINE_FEED) + 1;
      if (wholeLines > 0) return parse(bytes.subarray(0, wholeLines), segment, position);
      if (bytesRead < wanted || wanted < size) return tornTail(bytes, segment, position);
    }
  }

  async #open(segment: Segment): Promise<FileHandle> {
    if (this.#file?.segment.name !== segment.name) {
      await this.close();
      this.#file = { segment, handle: await open(join(this.directory, segment.name), 'r') };
    }
    return this.#file.handle;
  }
}

function stretch(from: number, to: number): JournalBatch {
  return { events: [], damaged: [], missing: { from, to }, start: from, position: to };
}

function parse(bytes: Buffer, segment: Segment, position: number): JournalBatch {
  const events: RecordEvent[] = [];
  const damaged: DamagedLine[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(LINE_FEED, start);
    const line = decodeLine(bytes.toString('utf8', start, end));
    if (line.kind === 'event') {
      events.push(line.event);
    } else {
      damaged.push({
        file: segment.name,
        offset: position - segment.start + start,
        reason: line.kind,
        bytes: Buffer.from(bytes.subarray(start, end)),
      });
    }
    start = end + 1;
  }
  return { events, damaged, start: position, position: position + bytes.length };
}

/** A line without its end: the process died in the middle of a write. */
function tornTail(bytes: Buffer, segment: Segment, position: number): JournalBatch {
  const offset = position - segment.start;
  const damaged = [
    { file: segment.name, offset, reason: 'torn' as const, bytes: Buffer.from(bytes) },
  ];
  return { events: [], damaged, start: position, position: position + bytes.length };
}
