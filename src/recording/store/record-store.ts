import type { RecordEvent } from '../journal/events.ts';

/** Why nothing of a batch was stored, and so what is to be done with it. */
export type StoreFailure =
  /** The database is full or busy: the same batch again later. */
  | { readonly kind: 'unavailable'; readonly reason: string }
  /** There was no answer: the database is away, or what was sent is too much for it. */
  | { readonly kind: 'unanswered'; readonly reason: string }
  /** It took longer than a batch may: less of it at once. */
  | { readonly kind: 'slow'; readonly reason: string }
  /** The database will never take these values: find the culprit and set it aside. */
  | { readonly kind: 'rejected'; readonly reason: string }
  /** It has ends of these interceptions, whose starts are in neither the batch nor the database. */
  | { readonly kind: 'unstarted'; readonly reason: string; readonly ids: readonly string[] }
  /** It is not as far with the journal as it was, or further: it has to be asked how far. */
  | { readonly kind: 'elsewhere'; readonly reason: string };

/** How far a journal is stored: up to a position, and so many events from there on. */
export interface JournalMark {
  readonly instanceId: string;
  readonly position: number;
  readonly events: number;
}

/** Where records end up. Storing the same events twice changes nothing. */
export abstract class RecordStore {
  /**
   * Events of one interception are in the order in which they happened. The mark is stored with
   * them, or neither is; and only where the mark before it is `after`, if that is given.
   */
  abstract store(
    events: readonly RecordEvent[],
    mark?: JournalMark,
    after?: JournalMark | 'none',
  ): Promise<StoreFailure | undefined>;

  /** For events that are stored: does what comes after that, which their process may have died before. */
  abstract finish(events: readonly RecordEvent[]): Promise<StoreFailure | undefined>;

  /** Undefined where nothing of the journal is stored. */
  abstract markOf(instanceId: string): Promise<JournalMark | undefined>;

  /** Says that this process lives; answers the instances that have stopped saying so. */
  abstract heartbeat(instance: InstanceFacts): Promise<readonly string[]>;

  /**
   * Closes, as interrupted, what an instance that has ended left open, and forgets the
   * instance; what was closed so before is put right, when more has come to be known of it.
   * `livedUntilMs`: as its journal has it; otherwise the last heartbeat counts. Answers
   * how many records were open.
   */
  abstract closeInterrupted(instanceId: string, livedUntilMs?: number): Promise<number>;

  /**
   * The same for an instance of which a start has been stored late, when it may be long gone.
   * Does nothing while it lives, or while another one still has to find out that it does not.
   */
  abstract closeForgotten(instanceId: string): Promise<number>;
}

export interface InstanceFacts {
  readonly id: string;
  readonly version: string;
  readonly host: string;
}
