import type { RecordEvent } from '../journal/events.ts';

const BATCH_EVENTS_MAX = 2_000;
/** Characters. What is shorter takes no database seconds, unless something else keeps it busy. */
const LARGE = 1024 * 1024;

/** In their order; a large event goes alone, so that it holds no others up. */
export function* inBatches(events: readonly RecordEvent[]): Generator<readonly RecordEvent[]> {
  let batch: RecordEvent[] = [];
  for (const event of events) {
    if (batch.length > 0 && (batch.length === BATCH_EVENTS_MAX || isLarge(event))) {
      yield batch;
      batch = [];
    }
    batch.push(event);
    if (isLarge(event)) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

export function isLarge(event: RecordEvent): boolean {
  if (event.kind === 'prompt' || event.kind === 'thought') return event.text.length >= LARGE;
  return event.kind === 'tool' && (event.input?.length ?? 0) >= LARGE;
}
