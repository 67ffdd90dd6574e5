import type { Clock } from '../../core/clock.ts';
import { JournalFiles } from './journal-files.ts';
import { sealLines } from './journal-line.ts';
import type { JournalProgress } from './journal-progress.ts';

export interface JournalOptions {
  readonly directory: string;
  /** How many bytes may wait for the database before new interceptions are turned away. */
  readonly bytesMax: number;
  /** How much of that others take: journals of the dead, what is late, what was set aside. */
  readonly bytesElsewhere?: () => number;
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

/** As long may a segment be, and what is joined for one write: a string has a limit, too. */
const SEGMENT_BYTES_MAX = 8 * 1024 * 1024;
const SEGMENT_BYTES_MIN = 64 * 1024;
const SEGMENT_SHARE = 1 / 8;
const RETRY_MS = 250;
/** Room that only the rest of already started interceptions may use. */
const RESERVE_SHARE = 1 / 8;
const UNWRITTEN_BYTES_MAX = 64 * 1024 * 1024;

function ignore(): void {}

/**
 * An append-only log of segment files, written by one process. Everything that
 * arrives while a write is under way shares the next one, so a thousand concurrent
 * requests cost one system call.
 *
 * On the disk there is never more than `bytesMax`, the reserve, a segment that the database has but
 * that has not gone yet, and one write: three eighths more in all, or a record that is larger.
 */
export class Journal {
  #queue: Pending[] = [];
  /** Of all texts in it, in characters. */
  #queuedLength = 0;
  #isWriting = false;
  #unwrittenBytes = 0;
  #failure: JournalRefusal | undefined;
  #retry: NodeJS.Timeout | undefined;
  #lostRecords = 0;
  #idle: (() => void)[] = [];
  readonly #options: JournalOptions;
  readonly #segmentBytes: number;
  readonly #files: JournalFiles;

  constructor(options: JournalOptions) {
    const { directory, bytesMax, isSynced, clock } = options;
    const share = Math.max(SEGMENT_BYTES_MIN, bytesMax * SEGMENT_SHARE);
    this.#options = options;
    this.#segmentBytes = Math.min(SEGMENT_BYTES_MAX, share);
    this.#files = new JournalFiles({
      directory,
      segmentBytes: this.#segmentBytes,
      isSynced,
      clock,
    });
  }

  /** Why the last write failed; undefined while all is well. */
  get failure(): JournalRefusal | undefined {
    return this.#failure;
  }

  get isFull(): boolean {
    return this.#bytesWaiting >= this.#options.bytesMax;
  }

  /** On disk: more than what waits for the database, as segments go when the last record of them has. */
  get bytes(): number {
    return this.position - this.#options.progress.deletedBelow;
  }

  get position(): number {
    return this.#files.position;
  }

  /** Records that were started but could not be kept to their end. */
  get lostRecords(): number {
    return this.#lostRecords;
  }

  /** For the database, and of others: all that the limit is for. */
  get #bytesWaiting(): number {
    const { progress, bytesElsewhere } = this.#options;
    return this.position - progress.committedPosition + (bytesElsewhere?.() ?? 0);
  }

  /** Resolves, with the position it reaches to, when the start of an interception is written. */
  appendStart(text: string): Promise<number> {
    // With what it could not write the journal tries again by itself, and not with every start.
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.isFull) return Promise.reject(limitReached());
    return this.#enqueue(text, 1, true);
  }

  /**
   * For what belongs to an interception that has started. Rejects when the lines
   * are not durable yet; they are kept in memory and tried again all the same.
   */
  append(text: string, recordCount: number): Promise<number> {
    return this.#enqueue(text, recordCount, false);
  }

  /** As `append`, for what nobody waits for. */
  appendLater(text: string, recordCount: number): void {
    this.#push({ text, recordCount, isRefusable: false, resolve: ignore, reject: ignore });
  }

  /** Called again and again: a segment that is old ends also where nobody writes, and others take room. */
  tend(): void {
    this.#options.progress.takenElsewhere(this.#options.bytesElsewhere?.() ?? 0);
    const isIdle = !this.#isWriting && this.#queue.length === 0 && this.#failure === undefined;
    if (isIdle && this.#files.isOld) this.#push(nothing());
  }

  #enqueue(text: string, recordCount: number, isRefusable: boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#push({ text, recordCount, isRefusable, resolve, reject });
    });
  }

  #push(pending: Pending): void {
    this.#queue.push(pending);
    this.#queuedLength += pending.text.length;
    if (!this.#isWriting) this.#beginWriting();
  }

  /** Waits until nothing is queued or being written, then closes the file. */
  async close(): Promise<void> {
    while (this.#isWriting || (this.#queue.length > 0 && this.#failure === undefined)) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
    clearTimeout(this.#retry);
    this.#lostRecords += this.#queue.reduce((sum, pending) => sum + pending.recordCount, 0);
    await this.#files.close();
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
      const batch = this.#takeBatch();
      if (batch.length === 0) continue;
      try {
        await this.#write(batch);
        this.#failure = undefined;
        for (const pending of batch) pending.resolve(this.position);
      } catch (error) {
        this.#failure = refusal(error);
        this.#options.progress.wantRoom();
        await this.#files.dropTornTail();
        this.#keepForRetry([...batch, ...this.#queue], this.#failure);
        break;
      }
    }
    this.#isWriting = false;
    if (this.#failure !== undefined) this.#retry = setTimeout(() => this.#tryAgain(), RETRY_MS);
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** What is written at once: all, as a rule. */
  #takeBatch(): Pending[] {
    const isFull = this.isFull;
    if (isFull || this.#queuedLength > this.#segmentBytes) return this.#firstOfQueue(isFull);
    const batch = this.#queue;
    this.#queue = [];
    this.#queuedLength = 0;
    return batch;
  }

  /** Without the starts for which there is no room any more. */
  #firstOfQueue(isFull: boolean): Pending[] {
    const batch: Pending[] = [];
    let taken = 0;
    let length = 0;
    for (const pending of this.#queue) {
      if (isFull && pending.isRefusable && pending.recordCount > 0) {
        pending.reject(limitReached());
      } else {
        length += pending.text.length;
        if (batch.length > 0 && length > this.#segmentBytes) break;
        batch.push(pending);
      }
      taken += 1;
      this.#queuedLength -= pending.text.length;
    }
    this.#queue.splice(0, taken);
    return batch;
  }

  /** Finds out whether the disk takes records again, also when nobody sends any. */
  #tryAgain(): void {
    if (this.#queue.length === 0) this.#queue.push(nothing());
    this.#beginWriting();
  }

  async #write(batch: readonly Pending[]): Promise<void> {
    const buffer = sealLines(Buffer.from(batch.map((pending) => pending.text).join('')));
    const limit = this.#options.bytesMax * (1 + RESERVE_SHARE);
    if (this.#bytesWaiting + buffer.length > limit && this.isFull) throw limitReached();
    if (buffer.length === 0 && this.#failure !== undefined) await this.#files.probe();
    await this.#files.append(buffer);
    const records = batch.reduce((sum, pending) => sum + pending.recordCount, 0);
    this.#options.progress.flushed(this.position, records, this.#options.clock.nowMs());
  }

  #keepForRetry(queue: readonly Pending[], error: Error): void {
    const kept: Pending[] = [];
    this.#unwrittenBytes = 0;
    for (const pending of queue) {
      pending.reject(error);
      if (pending.isRefusable) continue;
      if (this.#unwrittenBytes + pending.text.length > UNWRITTEN_BYTES_MAX) {
        this.#lostRecords += pending.recordCount;
        continue;
      }
      this.#unwrittenBytes += pending.text.length;
      kept.push(pending);
    }
    this.#queue = kept;
    this.#queuedLength = this.#unwrittenBytes;
  }
}

function refusal(cause: unknown): JournalRefusal {
  if (cause instanceof JournalRefusal) return cause;
  return new JournalRefusal('the journal cannot be written', { cause });
}

function limitReached(): JournalRefusal {
  return new JournalRefusal('the journal has reached AIBRIDGE_JOURNAL_MAX');
}

/** To be written all the same: by the way an old segment ends, and a failure that is over is noticed. */
function nothing(): Pending {
  return { text: '', recordCount: 0, isRefusable: true, resolve: ignore, reject: ignore };
}
