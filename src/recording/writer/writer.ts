import type { Clock } from '../../core/clock.ts';
import { errorText } from '../../core/errors.ts';
import { waited } from '../../core/waited.ts';
import type { RecordEvent } from '../journal/events.ts';
import type { JournalProgress } from '../journal/journal-progress.ts';
import type { JournalBatch, JournalReader, MissingStretch } from '../journal/journal-reader.ts';
import type { JournalMark, RecordStore, StoreFailure } from '../store/record-store.ts';
import { inBatches, isLarge } from './batches.ts';
import { KEEP_NOTHING, KeptTail, trimmed, type Keeping } from './kept-tail.ts';
import type { SetAside } from './set-aside.ts';
import { linesIn, stretchIn } from './stretch.ts';

/** Told of everything an operator should know; the journal itself goes on. */
export interface WriterReports {
  unavailable(reason: string): void;
  available(): void;
  setAside(what: SetAside): Promise<void>;
  /** A stretch of the journal of this instance is lost. */
  missing(instanceId: string, stretch: MissingStretch): Promise<void>;
  /** Resolves when the event is kept for whoever gives it the time it needs. */
  late(event: RecordEvent): Promise<void>;
  /**
   * The store came back without so many bytes of the journal that it had. They are sent again, but
   * for those that are no longer kept.
   */
  fellBack(bytes: number, missingBytes: number): void;
}

const POLL_MS = 500;
/** How often a store that has nothing to take is asked whether it still has what it took. */
const LOOK_MS = 5_000;
const BACKOFF_MS_MIN = 100;
const BACKOFF_MS_MAX = 5_000;

/**
 * Carries a journal into the store, in order. A batch that the store cannot take
 * now is tried again until it can; one that takes too long, or holds something it will
 * never take, is halved until the culprit stands alone, which is put aside: for later, or for good.
 *
 * A small record that takes too long alone is not slow, the store is: it is waited for. A large one
 * that gets no answer, from a store that does answer something else, is put aside for later as well:
 * what it gets there is time, and nobody waits behind it.
 *
 * Ends without a start are set aside together, as there can be as many as were in a lost segment.
 */
export class Writer {
  #backoffMs = 0;
  /** How many events of the batch at hand are stored or put aside. */
  #done = 0;
  /** Until the batch is read that an earlier writer came to. */
  #resumed: JournalMark | undefined;
  /** How far the store is, as far as this writer knows. */
  #known: JournalMark | 'none' = 'none';
  #isElsewhere = false;
  #seenMs = -Infinity;

  constructor(
    private readonly store: RecordStore,
    private readonly reports: WriterReports,
    private readonly clock: Clock,
    /** The process that wrote the journal. */
    private readonly instanceId: string,
  ) {}

  /** Follows a living journal until told to stop; what is flushed by then is still carried over. */
  async follow(
    reader: JournalReader,
    progress: JournalProgress,
    stop: AbortSignal,
    keeping: Keeping = KEEP_NOTHING,
  ): Promise<void> {
    const tail = new KeptTail(keeping);
    const over = new AbortController();
    const trimming = trimmed(tail, reader, progress, over.signal);
    try {
      await this.#followOn({ reader, progress, tail }, stop);
    } finally {
      over.abort();
      await trimming;
    }
  }

  async #followOn(journal: Followed, stop: AbortSignal): Promise<void> {
    const { reader, progress, tail } = journal;
    if (!(await this.#resume(journal, stop))) return;
    for (;;) {
      const isLast = stop.aborted;
      const position = progress.flushedPosition;
      const batch = await reader.next(position);
      if (batch === undefined) {
        if (isLast) return;
        await progress.flushedBeyond(position, POLL_MS);
        await this.#look(tail);
      } else if (await this.#carry(batch, stop)) {
        progress.committed(batch.position, linesIn(batch), this.clock.nowMs());
        this.#seen(tail, batch.position);
      } else if (!this.#isElsewhere) {
        return;
      }
      if (this.#isElsewhere && !(await this.#resume(journal, stop))) return;
    }
  }

  /** Carries over all that a dead process left. Answers false when stopped before the end. */
  async drain(reader: JournalReader, stop: AbortSignal): Promise<boolean> {
    if (!(await this.#skim(reader, stop))) return false;
    for (;;) {
      const batch = await reader.next();
      if (batch === undefined) return true;
      if (await this.#carry(batch, stop)) await reader.deleteBelow(batch.position);
      else if (!this.#isElsewhere || !(await this.#skim(reader, stop))) return false;
    }
  }

  /** Goes to where the store is, be it that it has less than it had. Answers false when stopped before. */
  async #resume({ reader, progress, tail }: Followed, stop: AbortSignal): Promise<boolean> {
    const mark = await this.#markInStore(stop);
    if (mark === 'unknown') return false;
    const position = mark?.position ?? 0;
    const before = progress.committedPosition;
    const nowMs = this.clock.nowMs();
    if (position < before) {
      const oldest = (await reader.oldest()) ?? before;
      tail.fellBack(position);
      const { records } = await stretchIn(reader, position, before);
      progress.fellBack(position, records, nowMs);
      this.reports.fellBack(before - position, Math.max(0, oldest - position));
    } else if (position > before) {
      const { records, last } = await stretchIn(reader, before, position);
      if (!(await this.#finish(last, stop))) return false;
      progress.committed(position, records, nowMs);
    }
    this.#seen(tail, position);
    reader.moveTo(position);
    return true;
  }

  /** Goes to where the store is, whoever carried the journal there. Answers false when stopped before. */
  async #skim(reader: JournalReader, stop: AbortSignal): Promise<boolean> {
    const mark = await this.#markInStore(stop);
    if (mark === 'unknown') return false;
    if (mark === undefined) {
      reader.moveTo(0);
      return true;
    }
    // Read, as it tells when the process lived.
    const { last } = await stretchIn(reader, 0, mark.position);
    // What is missing before has long been stored.
    reader.moveTo(mark.position);
    return this.#finish(last, stop);
  }

  /** Of what was stored last by whoever carried the journal there. Answers false when stopped before. */
  async #finish(events: readonly RecordEvent[], stop: AbortSignal): Promise<boolean> {
    for (;;) {
      const failure = events.length === 0 ? undefined : await this.store.finish(events);
      if (failure?.kind !== 'unavailable' && failure?.kind !== 'unanswered') {
        this.#tookRecords();
        return true;
      }
      this.reports.unavailable(failure.reason);
      if (stop.aborted) return false;
      await this.#backOff(stop);
    }
  }

  /** Waits for a store that is away. */
  async #markInStore(stop: AbortSignal): Promise<JournalMark | undefined | 'unknown'> {
    for (;;) {
      try {
        const mark = await this.store.markOf(this.instanceId);
        this.#known = mark ?? 'none';
        this.#resumed = mark;
        this.#isElsewhere = false;
        return mark;
      } catch (error) {
        this.reports.unavailable(errorText(error));
        if (stop.aborted) return 'unknown';
        await this.#backOff(stop);
      }
    }
  }

  /** Whether the store has what it had, where nothing that is to be stored finds out. */
  async #look(tail: KeptTail): Promise<void> {
    if (this.clock.monotonicMs() - this.#seenMs < LOOK_MS) return;
    try {
      const mark = await this.store.markOf(this.instanceId);
      if (isSame(mark ?? 'none', this.#known)) this.#seen(tail);
      else this.#isElsewhere = true;
    } catch {
      // Whoever has something to store says that the store is away.
      this.#seenMs = this.clock.monotonicMs();
    }
  }

  #seen(tail: KeptTail, position?: number): void {
    this.#seenMs = this.clock.monotonicMs();
    if (position === undefined) tail.seen(this.#seenMs);
    else tail.reached(position, this.#seenMs);
  }

  async #carry(batch: JournalBatch, stop: AbortSignal): Promise<boolean> {
    for (const line of batch.damaged) await this.reports.setAside(line);
    if (batch.missing !== undefined) await this.reports.missing(this.instanceId, batch.missing);
    this.#done = this.#resumed?.position === batch.start ? this.#resumed.events : 0;
    this.#resumed = undefined;
    if (!(await this.#finish(batch.events.slice(0, this.#done), stop))) return false;
    for (const events of inBatches(batch.events.slice(this.#done))) {
      if (!(await this.#storeAll(events, batch, stop))) return false;
    }
    // What was put aside, or could not be read, is not to be looked at again either.
    const isMarked = isSame(this.#known, this.#markAfter([], batch));
    return isMarked || this.#storeAll([], batch, stop);
  }

  async #storeAll(
    events: readonly RecordEvent[],
    batch: JournalBatch,
    stop: AbortSignal,
  ): Promise<boolean> {
    let left = events;
    for (;;) {
      const mark = this.#markAfter(events, batch);
      const failure = await this.store.store(left, mark, this.#known);
      if (failure === undefined) {
        this.#known = mark;
        this.#done += events.length;
        this.#tookRecords();
        return true;
      }
      if (failure.kind === 'elsewhere') {
        this.#isElsewhere = true;
        return false;
      }
      if (failure.kind === 'unstarted') {
        left = await this.#withoutUnstarted(left, failure);
      } else if (await this.#isToBeIsolated(left, failure, stop)) {
        const isDone = await this.#isolate(left, batch, failure, stop);
        this.#done += events.length - left.length;
        return isDone;
      } else {
        this.reports.unavailable(failure.reason);
        if (stop.aborted) return false;
        await this.#backOff(stop);
      }
    }
  }

  /** They are kept for when their starts are found after all. */
  async #withoutUnstarted(
    events: readonly RecordEvent[],
    { reason, ids }: StoreFailure & { readonly kind: 'unstarted' },
  ): Promise<readonly RecordEvent[]> {
    const unstarted = new Set(ids);
    const isUnstarted = ({ kind, id }: RecordEvent): boolean => kind === 'end' && unstarted.has(id);
    for (const event of events.filter(isUnstarted)) {
      await this.reports.setAside({ event, reason, isUnstarted: true });
    }
    return events.filter((event) => !isUnstarted(event));
  }

  /** Whether the failure is about these events, rather than about the store. */
  async #isToBeIsolated(
    events: readonly RecordEvent[],
    { kind }: StoreFailure,
    stop: AbortSignal,
  ): Promise<boolean> {
    if (events.length === 0) return false;
    if (kind === 'rejected') return true;
    // A stopping process does not wait for a database: the journal keeps what is left.
    if (stop.aborted) return false;
    if (kind === 'slow') return !isSmallAlone(events);
    return kind === 'unanswered' && isLargeAlone(events) && (await this.#answers());
  }

  /** Whether the store answers something else than what it has just been silent about. */
  async #answers(): Promise<boolean> {
    try {
      await this.store.markOf(this.instanceId);
      return true;
    } catch {
      return false; // it is away, as the failure says already
    }
  }

  async #isolate(
    events: readonly RecordEvent[],
    batch: JournalBatch,
    failure: StoreFailure,
    stop: AbortSignal,
  ): Promise<boolean> {
    const [first] = events;
    if (first !== undefined && events.length === 1) {
      if (failure.kind === 'rejected') {
        await this.reports.setAside({ event: first, reason: failure.reason });
      } else {
        await this.reports.late(first);
      }
      this.#done += 1;
      return true;
    }
    const middle = Math.ceil(events.length / 2);
    return (
      (await this.#storeAll(events.slice(0, middle), batch, stop)) &&
      (await this.#storeAll(events.slice(middle), batch, stop))
    );
  }

  #markAfter(events: readonly RecordEvent[], batch: JournalBatch): JournalMark {
    const done = this.#done + events.length;
    const isWhole = done === batch.events.length;
    return {
      instanceId: this.instanceId,
      position: isWhole ? batch.position : batch.start,
      events: isWhole ? 0 : done,
    };
  }

  #tookRecords(): void {
    if (this.#backoffMs > 0) this.reports.available();
    this.#backoffMs = 0;
  }

  async #backOff(stop: AbortSignal): Promise<void> {
    this.#backoffMs = Math.min(Math.max(BACKOFF_MS_MIN, this.#backoffMs * 2), BACKOFF_MS_MAX);
    await waited(this.#backoffMs, stop);
  }
}

function isLargeAlone(events: readonly RecordEvent[]): boolean {
  return events.length === 1 && events.some(isLarge);
}

function isSmallAlone(events: readonly RecordEvent[]): boolean {
  return events.length === 1 && !events.some(isLarge);
}

/** A journal that a living process adds to. */
interface Followed {
  readonly reader: JournalReader;
  readonly progress: JournalProgress;
  readonly tail: KeptTail;
}

function isSame(one: JournalMark | 'none', other: JournalMark | 'none'): boolean {
  if (one === 'none' || other === 'none') return one === other;
  return one.position === other.position && one.events === other.events;
}
