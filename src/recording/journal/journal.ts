import { open, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { fdatasync, write } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../../core/clock.ts';
import type { JournalProgress } from './journal-progress.ts';
import { sealLines } from './journal-line.ts';
import { segmentName } from './journal-segments.ts';

export interface JournalOptions {
  readonly directory: string;
  /** How many bytes may wait for the database before new interceptions are turned away. */
  readonly bytesMax: number;
  /** `true`: every write is followed by fdatasync before it counts. */
  readonly isSynced: boolean;
  readonly progress: JournalProgress;
  readonly clock: Clock;
}

/** The journal cannot take a record: the disk refused it, or it has run too far ahead. */
export class JournalRefusal extends Error {
  override readonly name = 'JournalRefusal';
}

interface Pending {
  readonly text: string;
  readonly recordCount: number;
  /** A start may be turned away; what follows a start is kept for the next try. */
  readonly isRefusable: boolean;
  readonly resolve: (position: number) => void;
  readonly reject: (error: Error) => void;
}

const SEGMENT_BYTES = 8 * 1024 * 1024;
const RETRY_MS = 250;
/** Room that only the rest of already started interceptions may use. */
const RESERVE_SHARE = 1 / 8;
const PROBE_BYTES = 64 * 1024;
const UNWRITTEN_BYTES_MAX = 64 * 1024 * 1024;

const datasync = promisify(fdatasync);

function ignore(): void {}

/**
 * An append-only log of segment files, written by one process. Everything that
 * arrives while a write is under way shares the next one, so a thousand concurrent
 * requests cost one system call.
 *
 * A position is a byte offset since the journal began. Writes are positioned, so
 * what a failed write left behind is overwritten by the next and never read.
 */
export class Journal {
  #queue: Pending[] = [];
  #isWriting = false;
  #segment: FileHandle | undefined;
  #segmentStart = 0;
  #position = 0;
  #unwrittenBytes = 0;
  #failure: JournalRefusal | undefined;
  #retry: NodeJS.Timeout | undefined;
  #lostRecords = 0;
  #idle: (() => void)[] = [];
  readonly #options: JournalOptions;
  readonly #segmentBytes: number;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#segmentBytes = Math.min(SEGMENT_BYTES, Math.max(64 * 1024, options.bytesMax / 8));
  }

  /** Why the last write failed; undefined while all is well. */
  get failure(): JournalRefusal | undefined {
    return this.#failure;
  }

  get isFull(): boolean {
    return this.#bytesAhead >= this.#options.bytesMax;
  }

  /** On disk: more than what waits for the database, as segments go when the last record of them has. */
  get bytes(): number {
    return this.#position - this.#options.progress.deletedBelow;
  }

  get position(): number {
    return this.#position;
  }

  /** Records that were started but could not be kept to their end. */
  get lostRecords(): number {
    return this.#lostRecords;
  }

  get #bytesAhead(): number {
    return this.#position - this.#options.progress.committedPosition;
  }

  /** Resolves, with the position it reaches to, when the start of an interception is written. */
  appendStart(text: string): Promise<number> {
    // With what it could not write the journal tries again by itself, and not with every start.
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.isFull) {
      return Promise.reject(new JournalRefusal('the journal has reached AIBRIDGE_JOURNAL_MAX'));
    }
    return this.#enqueue(text, 1, true);
  }

  /**
   * For what belongs to an interception that has started. Rejects when the lines
   * are not durable yet; they are kept in memory and tried again all the same.
   */
  append(text: string, recordCount: number): Promise<number> {
    return this.#enqueue(text, recordCount, false);
  }

  #enqueue(text: string, recordCount: number, isRefusable: boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ text, recordCount, isRefusable, resolve, reject });
      if (!this.#isWriting) this.#beginWriting();
    });
  }

  /** Waits until nothing is queued or being written, then closes the file. */
  async close(): Promise<void> {
    while (this.#isWriting || (this.#queue.length > 0 && this.#failure === undefined)) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
    clearTimeout(this.#retry);
    this.#lostRecords += this.#queue.reduce((sum, pending) => sum + pending.recordCount, 0);
    await this.#segment?.close();
    this.#segment = undefined;
  }

  #beginWriting(): void {
    this.#isWriting = true;
    clearTimeout(this.#retry);
    // Everything that the current turn of the event loop still appends joins this write.
    setImmediate(() => {
      void this.#writeQueue();
    });
  }

  async #writeQueue(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      try {
        await this.#write(batch);
        this.#failure = undefined;
        for (const pending of batch) pending.resolve(this.#position);
      } catch (error) {
        this.#failure = new JournalRefusal('the journal cannot be written', { cause: error });
        await this.#dropTornTail();
        this.#keepForRetry(batch, this.#failure);
        break;
      }
    }
    this.#isWriting = false;
    if (this.#failure !== undefined) this.#retry = setTimeout(() => this.#tryAgain(), RETRY_MS);
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Finds out whether the disk takes records again, also when nobody sends any. */
  #tryAgain(): void {
    if (this.#queue.length === 0) {
      const probe = {
        text: '',
        recordCount: 0,
        isRefusable: true,
        resolve: ignore,
        reject: ignore,
      };
      this.#queue.push(probe);
    }
    this.#beginWriting();
  }

  async #write(batch: readonly Pending[]): Promise<void> {
    const buffer = sealLines(Buffer.from(batch.map((pending) => pending.text).join('')));
    const limit = this.#options.bytesMax * (1 + RESERVE_SHARE);
    if (this.#bytesAhead + buffer.length > limit && this.isFull) {
      throw new JournalRefusal('the journal has reached AIBRIDGE_JOURNAL_MAX');
    }
    const segment = await this.#segmentForWriting();
    if (buffer.length === 0) await this.#probe();
    else await writeFully(segment.fd, buffer, this.#position - this.#segmentStart);
    if (this.#options.isSynced) await datasync(segment.fd);
    this.#position += buffer.length;
    const records = batch.reduce((sum, pending) => sum + pending.recordCount, 0);
    this.#options.progress.flushed(this.#position, records, this.#options.clock.nowMs());
  }

  async #probe(): Promise<void> {
    const path = join(this.#options.directory, 'probe');
    try {
      await writeFile(path, Buffer.alloc(PROBE_BYTES));
    } finally {
      // What fitted of it is room that records can have.
      await rm(path, { force: true });
    }
  }

  async #segmentForWriting(): Promise<FileHandle> {
    const used = this.#position - this.#segmentStart;
    if (this.#segment !== undefined && used < this.#segmentBytes) return this.#segment;
    const path = join(this.#options.directory, segmentName(this.#position));
    const next = await open(path, 'w', 0o600);
    await this.#segment?.close();
    this.#segment = next;
    this.#segmentStart = this.#position;
    if (this.#options.isSynced) await syncDirectory(this.#options.directory);
    return next;
  }

  /**
   * What a failed write left behind would be overwritten by the next one, but not
   * wholly if that is shorter. A file system that refuses this as well will be
   * asked again by the next write, and a reader recognises the rest as damaged.
   */
  async #dropTornTail(): Promise<void> {
    await this.#segment?.truncate(this.#position - this.#segmentStart).catch(() => undefined);
  }

  #keepForRetry(batch: readonly Pending[], error: Error): void {
    const kept: Pending[] = [];
    this.#unwrittenBytes = 0;
    for (const pending of batch) {
      pending.reject(error);
      if (pending.isRefusable) continue;
      if (this.#unwrittenBytes + pending.text.length > UNWRITTEN_BYTES_MAX) {
        this.#lostRecords += pending.recordCount;
        continue;
      }
      this.#unwrittenBytes += pending.text.length;
      kept.push(pending);
    }
    this.#queue = [...kept, ...this.#queue];
  }
}

/** A file survives the machine only when its name does. */
async function syncDirectory(directory: string): Promise<void> {
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
