import type { RecordEvent } from '../journal/events.ts';

/** Why a batch was not stored, and so what is to be done with it. */
export type StoreFailure =
  /** The database is away, full or busy: the same batch again later. */
  | { readonly kind: 'unavailable'; readonly reason: string }
  /** The database will never take these values: find the culprit and set it aside. */
  | { readonly kind: 'rejected'; readonly reason: string };

/** Where records end up. Storing the same events twice changes nothing. */
export abstract class RecordStore {
  /** Events of one interception are in the order in which they happened. */
  abstract store(events: readonly RecordEvent[]): Promise<StoreFailure | undefined>;

  /** Says that this process lives; answers the instances that have stopped saying so. */
  abstract heartbeat(instance: InstanceFacts): Promise<readonly string[]>;

  /**
   * Closes, as interrupted, what an instance that has ended left open, and forgets the
   * instance. Answers how many records that were.
   */
  abstract closeInterrupted(instanceId: string): Promise<number>;
}

export interface InstanceFacts {
  readonly id: string;
  readonly version: string;
  readonly host: string;
}
