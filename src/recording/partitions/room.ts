import { timeOfId } from '../../core/ids.ts';
import { startOf, type Grain } from './partition-plan.ts';

/** What makes the partitions for what happens between two times. */
export interface Partitions {
  make(fromMs: number, toMs: number): Promise<void>;
}

/** Sees to it that whatever is to be stored has a partition, however old it is, and asks only once. */
export class Room {
  /** The days or months for which there is room. */
  readonly #known = new Set<number>();

  constructor(
    private readonly partitions: Partitions,
    private readonly grain: Grain,
  ) {}

  async for(rows: readonly { readonly id: string }[]): Promise<void> {
    for (const startMs of this.#startsOf(rows)) {
      if (this.#known.has(startMs)) continue;
      await this.partitions.make(startMs, startOf(startMs, this.grain, 1) - 1);
      this.#known.add(startMs);
    }
  }

  /** When it turns out that a partition is gone: what was past has been dropped. */
  forget(): void {
    this.#known.clear();
  }

  #startsOf(rows: readonly { readonly id: string }[]): Set<number> {
    const starts = new Set<number>();
    let minute = '';
    for (const { id } of rows) {
      // Ids that begin alike are of the same minute, or so.
      if (id.startsWith(minute) && minute !== '') continue;
      minute = id.slice(0, 8);
      const startMs = startOf(timeOfId(id), this.grain);
      // What is no id is refused by the database, and not by the lack of room.
      if (!Number.isNaN(startMs)) starts.add(startMs);
    }
    return starts;
  }
}
