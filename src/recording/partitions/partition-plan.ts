import { firstIdAt, timeOfId } from '../../core/ids.ts';

/** How long a partition is. */
export type Grain = 'day' | 'month';

/** Ids from one on, up to below another. */
export interface IdRange {
  readonly from: string;
  readonly to: string;
}

/** A table of the rows with the ids of a range. */
export interface Partition extends IdRange {
  readonly name: string;
}

/**
 * The partitions that a table lacks for what happens between two times, the second one included.
 * Days and months are those of UTC. Where another length was in force before, a new partition
 * takes what its neighbours leave.
 */
export function missingPartitions(
  table: string,
  present: readonly IdRange[],
  wanted: { readonly fromMs: number; readonly toMs: number; readonly grain: Grain },
): Partition[] {
  const missing: Partition[] = [];
  let atMs = wanted.fromMs;
  while (atMs <= wanted.toMs) {
    const id = firstIdAt(atMs);
    const around = present.find(({ from, to }) => from <= id && id < to);
    const range = around ?? freeAround(atMs, present, wanted.grain);
    if (around === undefined) missing.push({ name: nameOf(table, range), ...range });
    atMs = timeOfId(range.to);
  }
  return missing;
}

function freeAround(atMs: number, present: readonly IdRange[], grain: Grain): IdRange {
  const id = firstIdAt(atMs);
  const before = present.map(({ to }) => to).filter((to) => to <= id);
  const behind = present.map(({ from }) => from).filter((from) => from > id);
  return {
    from: [...before, firstIdAt(startOf(atMs, grain))].toSorted().at(-1) ?? id,
    to: [...behind, firstIdAt(startOf(atMs, grain, 1))].toSorted()[0] ?? id,
  };
}

/** Of the day or month that a time is in, or of one so many later. */
export function startOf(ms: number, grain: Grain, later = 0): number {
  const date = new Date(ms);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  return grain === 'day' ? utc(year, month, day + later) : utc(year, month + later, 1);
}

/** Unlike `Date.UTC`, which takes the year 70 for 1970. */
function utc(year: number, month: number, day: number): number {
  return new Date(0).setUTCFullYear(year, month, day);
}

/** After the day on which it begins: no two partitions of a table begin on the same one. */
function nameOf(table: string, { from }: IdRange): string {
  return `${table}_${new Date(timeOfId(from)).toISOString().slice(0, 10).replaceAll('-', '')}`;
}
