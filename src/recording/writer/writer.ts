import type { Clock } from '../../core/clock.ts';
import { waited } from '../../core/waited.ts';
import type { RecordEvent } from '../journal/events.ts';
import type { JournalProgress } from '../journal/journal-progress.ts';
import type { JournalBatch, JournalReader } from '../journal/journal-reader.ts';
import type { RecordStore } from '../store/record-store.ts';
import type { SetAside } from './set-aside.ts';

/** Told of everything an operator should know; the journal itself goes on. */
export interface WriterReports {
  unavailable(reason: string): void;
  available(): void;
  setAside(what: SetAside): Promise<void>;
}

const BATCH_EVENTS_MAX = 2_000;
const POLL_MS = 500;
const BACKOFF_MS_MIN = 100;
const BACKOFF_MS_MAX = 5_000;

/**
 * Carries a journal into the store, in order. A batch that the store cannot take
 * now is tried again until it can; one that holds something it will never take is
 * halved until the culprit stands alone, which is set aside and reported.
 */
export class Writer {
  #backoffMs = 0;

  constructor(
    private readonly store: RecordStore,
    private readonly reports: WriterReports,
    private readonly clock: Clock,
  ) {}

  /** Follows a living journal until told to stop; what is flushed by then is still carried over. */
  async follow(reader: JournalReader, progress: JournalProgress, stop: AbortSignal): Promise<void> {
    for (;;) {
      const isLast = stop.aborted;
      const position = progress.flushedPosition;
      const batch = await reader.next(position);
      if (batch !== undefined) {
        if (!(await this.#carry(batch, stop))) return;
        progress.committed(batch.position, batch.events.length, this.clock.nowMs());
        progress.deleted(await reader.deleteBelow(batch.position));
      } else if (isLast) {
        return;
      } else {
        await progress.flushedBeyond(position, POLL_MS);
      }
    }
  }

  /** Carries over all that a dead process left. Answers false when stopped before the end. */
  async drain(reader: JournalReader, stop: AbortSignal): Promise<boolean> {
    for (;;) {
      const batch = await reader.next();
      if (batch === undefined) return true;
      if (!(await this.#carry(batch, stop))) return false;
      await reader.deleteBelow(batch.position);
    }
  }

  async #carry(batch: JournalBatch, stop: AbortSignal): Promise<boolean> {
    for (const line of batch.damaged) await this.reports.setAside(line);
    for (let start = 0; start < batch.events.length; start += BATCH_EVENTS_MAX) {
      const events = batch.events.slice(start, start + BATCH_EVENTS_MAX);
      if (!(await this.#storeAll(events, stop))) return false;
    }
    return true;
  }

  async #storeAll(events: readonly RecordEvent[], stop: AbortSignal): Promise<boolean> {
    for (;;) {
      const failure = await this.store.store(events);
      if (failure === undefined) {
        if (this.#backoffMs > 0) this.reports.available();
        this.#backoffMs = 0;
        return true;
      }
      if (failure.kind === 'rejected') return this.#isolate(events, failure.reason, stop);
      this.reports.unavailable(failure.reason);
      // A stopping process does not wait for a database: the journal keeps what is left.
      if (stop.aborted) return false;
      await this.#backOff(stop);
    }
  }

  async #isolate(
    events: readonly RecordEvent[],
    reason: string,
    stop: AbortSignal,
  ): Promise<boolean> {
    const [first] = events;
    if (first !== undefined && events.length === 1) {
      await this.reports.setAside({ event: first, reason });
      return true;
    }
    const middle = Math.ceil(events.length / 2);
    return (
      (await this.#storeAll(events.slice(0, middle), stop)) &&
      (await this.#storeAll(events.slice(middle), stop))
    );
  }

  async #backOff(stop: AbortSignal): Promise<void> {
    this.#backoffMs = Math.min(Math.max(BACKOFF_MS_MIN, this.#backoffMs * 2), BACKOFF_MS_MAX);
    await waited(this.#backoffMs, stop);
  }
}
