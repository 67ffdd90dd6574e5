import { fdatasync, write } from 'node:fs';
import { open, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../../core/clock.ts';
import { segmentName } from './journal-segments.ts';

export interface JournalFilesOptions {
  readonly directory: string;
  /** A segment that is as long ends. */
  readonly segmentBytes: number;
  /** `true`: every write is followed by fdatasync before it counts. */
  readonly isSynced: boolean;
  readonly clock: Clock;
}

/** What the database has goes from the disk with its segment: also where little is written. */
const SEGMENT_MS = 60_000;
const PROBE_BYTES = 64 * 1024;

const datasync = promisify(fdatasync);

/**
 * The segment files of one journal. Writes are positioned, so what a failed write left
 * behind is overwritten by the next and never read.
 */
export class JournalFiles {
  #segment: FileHandle | undefined;
  #segmentStart = 0;
  #segmentSinceMs = 0;
  #position = 0;

  constructor(private readonly options: JournalFilesOptions) {}

  /** A byte offset since the journal began: where the next write goes. */
  get position(): number {
    return this.#position;
  }

  /** Whether the segment has something in it and is as old as one gets. */
  get isOld(): boolean {
    const ageMs = this.options.clock.monotonicMs() - this.#segmentSinceMs;
    return this.#segment !== undefined && this.#used > 0 && ageMs >= SEGMENT_MS;
  }

  get #used(): number {
    return this.#position - this.#segmentStart;
  }

  /** Resolves when the bytes count as written. A segment that is full or old ends before. */
  async append(bytes: Buffer): Promise<void> {
    const segment = await this.#segmentForWriting();
    await writeFully(segment.fd, bytes, this.#used);
    if (this.options.isSynced) await datasync(segment.fd);
    this.#position += bytes.length;
  }

  /** Rejects while the disk takes nothing. */
  async probe(): Promise<void> {
    const path = join(this.options.directory, 'probe');
    try {
      await writeFile(path, Buffer.alloc(PROBE_BYTES));
    } finally {
      // What fitted of it is room that records can have.
      await rm(path, { force: true });
    }
  }

  /**
   * What a failed write left behind would be overwritten by the next one, but not
   * wholly if that is shorter. A file system that refuses this as well will be
   * asked again by the next write, and a reader recognises the rest as damaged.
   */
  async dropTornTail(): Promise<void> {
    await this.#segment?.truncate(this.#used).catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#segment?.close();
    this.#segment = undefined;
  }

  async #segmentForWriting(): Promise<FileHandle> {
    const { directory, segmentBytes, isSynced, clock } = this.options;
    if (this.#segment !== undefined && this.#used < segmentBytes && !this.isOld) {
      return this.#segment;
    }
    const next = await open(join(directory, segmentName(this.#position)), 'w', 0o600);
    await this.#segment?.close();
    this.#segment = next;
    this.#segmentStart = this.#position;
    this.#segmentSinceMs = clock.monotonicMs();
    if (isSynced) await syncDirectory(directory);
    return next;
  }
}

/** A file survives the machine only when its name does. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function writeFully(fd: number, buffer: Buffer, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const step = (offset: number): void => {
      write(fd, buffer, offset, buffer.length - offset, position + offset, (error, written) => {
        if (error !== null) reject(error);
        else if (offset + written >= buffer.length) resolve();
        else step(offset + written);
      });
    };
    step(0);
  });
}
