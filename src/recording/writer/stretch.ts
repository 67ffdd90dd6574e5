import type { RecordEvent } from '../journal/events.ts';
import type { JournalBatch, JournalReader } from '../journal/journal-reader.ts';

/** Events, and lines that are none. */
export function linesIn({ events, damaged }: JournalBatch): number {
  return events.length + damaged.length;
}

interface Stretch {
  readonly records: number;
  /** Of its last batch. */
  readonly last: readonly RecordEvent[];
}

/** Reads what lies between two positions. */
export async function stretchIn(reader: JournalReader, from: number, to: number): Promise<Stretch> {
  let [records, last]: [number, readonly RecordEvent[]] = [0, []];
  reader.moveTo(from);
  for (let batch = await reader.next(to); batch; batch = await reader.next(to)) {
    records += linesIn(batch);
    last = batch.events;
  }
  return { records, last };
}
