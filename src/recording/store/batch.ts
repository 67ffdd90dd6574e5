import type { RecordEvent } from '../journal/events.ts';

/** What is written by one statement. */
type Table = Exclude<RecordEvent['kind'], 'attempt_so_far' | 'alive'>;

/**
 * A batch by what is to be written, each row of it once: what was known of an attempt,
 * its usage or a tool before its end is of no interest when the end is in the same batch.
 */
export function byTable(
  events: readonly RecordEvent[],
): ReadonlyMap<Table, readonly RecordEvent[]> {
  const finals = finalEvents(events);
  const tables = new Map<Table, RecordEvent[]>();
  for (const event of events) {
    const isSuperseded = 'rowId' in event && finals.get(event.rowId) !== event;
    if (event.kind === 'alive' || isSuperseded) continue;
    const table = event.kind === 'attempt_so_far' ? 'attempt' : event.kind;
    const rows = tables.get(table);
    if (rows === undefined) tables.set(table, [event]);
    else rows.push(event);
  }
  return tables;
}

/** Of each row the event that knows most of it. */
function finalEvents(events: readonly RecordEvent[]): ReadonlyMap<string, RecordEvent> {
  const finals = new Map<string, RecordEvent>();
  for (const event of events) {
    if (!('rowId' in event)) continue;
    const known = finals.get(event.rowId);
    if (known === undefined || finality(event) >= finality(known)) finals.set(event.rowId, event);
  }
  return finals;
}

function finality(event: RecordEvent): number {
  if (event.kind === 'attempt_so_far') return event.status === null ? 0 : 1;
  if (event.kind === 'tool') return event.durationMs === undefined ? 1 : 2;
  return event.kind === 'usage_so_far' ? 1 : 2;
}
