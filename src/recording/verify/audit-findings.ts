import type { RecordEvent } from '../journal/events.ts';

/** What a journal still holds of one interception. */
export interface JournaledInterception {
  readonly hasStart: boolean;
  readonly ends: number;
  readonly rowIds: readonly string[];
}

/** Adds up a journal; the oldest events may be gone from it, as the database has them. */
export class JournalTally {
  readonly #interceptions = new Map<
    string,
    { hasStart: boolean; ends: number; rowIds: string[] }
  >();

  add(events: readonly RecordEvent[]): void {
    for (const event of events) {
      if (event.kind === 'alive') continue;
      const known = this.#interceptions.get(event.id) ?? { hasStart: false, ends: 0, rowIds: [] };
      if (event.kind === 'start') known.hasStart = true;
      else if (event.kind === 'end') known.ends += 1;
      else known.rowIds.push(event.rowId);
      this.#interceptions.set(event.id, known);
    }
  }

  get interceptions(): ReadonlyMap<string, JournaledInterception> {
    return this.#interceptions;
  }

  get endedTwice(): readonly string[] {
    return [...this.#interceptions].filter(([, { ends }]) => ends > 1).map(([id]) => id);
  }
}

export interface Finding {
  /** What is wrong, in words. */
  readonly what: string;
  readonly count: number;
  /** Some of the interceptions it is wrong with. */
  readonly examples: readonly string[];
}
