import type { RecordEvent } from '../../src/recording/journal/events.ts';
import { RecordStore, type StoreFailure } from '../../src/recording/store/record-store.ts';

/** Keeps what it is given in memory, and can be told to be away or to refuse certain events. */
export class FakeRecordStore extends RecordStore {
  readonly stored: RecordEvent[] = [];
  readonly batchSizes: number[] = [];
  readonly closed: string[] = [];
  isAway = false;
  refuses: (event: RecordEvent) => boolean = () => false;

  override store(events: readonly RecordEvent[]): Promise<StoreFailure | undefined> {
    this.batchSizes.push(events.length);
    if (this.isAway) return Promise.resolve({ kind: 'unavailable', reason: 'away' });
    if (events.some((event) => this.refuses(event))) {
      return Promise.resolve({ kind: 'rejected', reason: 'SQLSTATE 22P02' });
    }
    this.stored.push(...events);
    return Promise.resolve(undefined);
  }

  override heartbeat(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  override closeInterrupted(instanceId: string): Promise<number> {
    this.closed.push(instanceId);
    return Promise.resolve(0);
  }
}
