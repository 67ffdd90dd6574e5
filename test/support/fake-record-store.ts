import type { RecordEvent } from '../../src/recording/journal/events.ts';
import {
  RecordStore,
  type JournalMark,
  type StoreFailure,
} from '../../src/recording/store/record-store.ts';

/** Keeps what it is given in memory, and can be told to be away, to be slow or to refuse certain events. */
export class FakeRecordStore extends RecordStore {
  readonly stored: RecordEvent[] = [];
  readonly batchSizes: number[] = [];
  /** What it was told to finish. */
  readonly finished: RecordEvent[] = [];
  readonly closed: string[] = [];
  readonly marks = new Map<string, JournalMark>();
  isAway = false;
  /** Whether it takes too long for these. */
  isSlow: (events: readonly RecordEvent[]) => boolean = () => false;
  /** Whether it says nothing at all about these. */
  isSilent: (events: readonly RecordEvent[]) => boolean = () => false;
  refuses: (event: RecordEvent) => boolean = () => false;
  /** Whether an end has no start, neither in the batch nor here. */
  isUnstarted: (event: RecordEvent) => boolean = () => false;

  override store(
    events: readonly RecordEvent[],
    mark?: JournalMark,
    after?: JournalMark | 'none',
  ): Promise<StoreFailure | undefined> {
    this.batchSizes.push(events.length);
    if (this.isAway) return Promise.resolve({ kind: 'unavailable', reason: 'away' });
    if (this.isSilent(events)) return Promise.resolve({ kind: 'unanswered', reason: 'silence' });
    const ids = events.filter((event) => this.isUnstarted(event)).map(({ id }) => id);
    if (ids.length > 0) return Promise.resolve({ kind: 'unstarted', reason: 'no start', ids });
    if (this.isSlow(events)) return Promise.resolve({ kind: 'slow', reason: 'slow' });
    if (events.some((event) => this.refuses(event))) {
      return Promise.resolve({ kind: 'rejected', reason: 'SQLSTATE 22P02' });
    }
    if (mark !== undefined && !this.#isMarkedBy(mark.instanceId, after)) {
      return Promise.resolve({ kind: 'elsewhere', reason: 'elsewhere' });
    }
    this.stored.push(...events);
    if (mark !== undefined) this.marks.set(mark.instanceId, mark);
    return Promise.resolve(undefined);
  }

  #isMarkedBy(instanceId: string, expected: JournalMark | 'none' | undefined): boolean {
    const known = this.marks.get(instanceId) ?? 'none';
    return expected === undefined || JSON.stringify(known) === JSON.stringify(expected);
  }

  override finish(events: readonly RecordEvent[]): Promise<StoreFailure | undefined> {
    if (this.isAway) return Promise.resolve({ kind: 'unavailable', reason: 'away' });
    this.finished.push(...events);
    return Promise.resolve(undefined);
  }

  override markOf(instanceId: string): Promise<JournalMark | undefined> {
    if (this.isAway) return Promise.reject(new Error('away'));
    return Promise.resolve(this.marks.get(instanceId));
  }

  override heartbeat(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  override closeForgotten(instanceId: string): Promise<number> {
    return this.closeInterrupted(instanceId);
  }

  override closeInterrupted(instanceId: string, _livedUntilMs?: number): Promise<number> {
    this.closed.push(instanceId);
    return Promise.resolve(0);
  }
}
