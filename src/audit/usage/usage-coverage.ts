export type Grain = 'hour' | 'day' | 'month';

/** A part of a range of time and where its sums are read; ends are exclusive, infinite where open. */
export interface Segment {
  readonly source: Grain | 'records';
  readonly fromMs: number;
  readonly toMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const COARSE_TO_FINE: readonly Grain[] = ['month', 'day', 'hour'];

/**
 * Covers a range exactly and with few rows: whole months, the whole days left at both ends, the
 * whole hours left of those, and single records for what is less than an hour. No grain is coarser
 * than `coarsest`, which is what the answer is grouped by.
 */
export function coverage(fromMs: number, toMs: number, coarsest: Grain): Segment[] {
  const grains = COARSE_TO_FINE.slice(COARSE_TO_FINE.indexOf(coarsest));
  return segments(fromMs, toMs, grains);
}

function segments(fromMs: number, toMs: number, grains: readonly Grain[]): Segment[] {
  if (fromMs >= toMs) return [];
  const [source, ...finer] = grains;
  if (source === undefined) return [{ source: 'records', fromMs, toMs }];
  const [firstMs, endMs] = [ceil(fromMs, source), floor(toMs, source)];
  if (firstMs >= endMs) return segments(fromMs, toMs, finer);
  return [
    ...segments(fromMs, firstMs, finer),
    { source, fromMs: firstMs, toMs: endMs },
    ...segments(endMs, toMs, finer),
  ];
}

function floor(ms: number, grain: Grain): number {
  if (!Number.isFinite(ms)) return ms;
  if (grain === 'month') return monthOf(ms, 0);
  const unitMs = grain === 'day' ? DAY_MS : HOUR_MS;
  return Math.floor(ms / unitMs) * unitMs;
}

function ceil(ms: number, grain: Grain): number {
  const floorMs = floor(ms, grain);
  if (floorMs === ms) return ms;
  if (grain === 'month') return monthOf(ms, 1);
  return floorMs + (grain === 'day' ? DAY_MS : HOUR_MS);
}

function monthOf(ms: number, offset: number): number {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset);
}
