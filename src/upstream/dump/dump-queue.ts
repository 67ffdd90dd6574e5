import { waited } from '../../core/waited.ts';

/** Takes care of its own failures. */
export interface DumpJob {
  run(): Promise<void>;
}

const QUEUED_BYTES_MAX = 32 * 1024 * 1024;

/**
 * What dumps still have to do, one thing after another: however slow the disk, it takes
 * one thread of those that the journal writes with, and so much memory.
 */
export class DumpQueue {
  readonly #jobs = new Set<DumpJob>();
  readonly #bytesMax: number;
  #bytes = 0;
  #running: Promise<void> | undefined;

  constructor(bytesMax = QUEUED_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** False where there is no room for so many bytes; otherwise they are to be given back. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#bytesMax) return false;
    this.#bytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** A job that is still waiting does not wait twice. */
  add(job: DumpJob): void {
    this.#jobs.add(job);
    this.#running ??= this.#run();
  }

  /** Resolves when everything is done, or the time is up. */
  async close(timeoutMs: number): Promise<void> {
    const done = new AbortController();
    void this.#running?.then(() => done.abort());
    if (this.#running !== undefined) await waited(timeoutMs, done.signal);
  }

  async #run(): Promise<void> {
    // The caller's own bytes leave first.
    await new Promise(setImmediate);
    // A set also visits what is added meanwhile.
    for (const job of this.#jobs) {
      this.#jobs.delete(job);
      await job.run();
    }
    this.#running = undefined;
  }
}
