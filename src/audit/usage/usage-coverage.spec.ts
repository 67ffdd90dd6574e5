import { assert, constantFrom, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coverage, type Grain } from './usage-coverage.ts';

const at = (text: string): number => Date.parse(`${text}Z`);

const time = (ms: number): string =>
  Number.isFinite(ms) ? new Date(ms).toISOString().slice(0, 16) : String(ms);

function shown(from: number, to: number, coarsest: Grain): string[] {
  return coverage(from, to, coarsest).map(
    ({ source, fromMs, toMs }) => `${source} ${time(fromMs)} ${time(toMs)}`,
  );
}

describe('the cover of a range', () => {
  it('is months inside days inside hours inside records', () => {
    expect(shown(at('2026-01-30T22:30'), at('2026-04-02T01:15'), 'month')).toEqual([
      'records 2026-01-30T22:30 2026-01-30T23:00',
      'hour 2026-01-30T23:00 2026-01-31T00:00',
      'day 2026-01-31T00:00 2026-02-01T00:00',
      'month 2026-02-01T00:00 2026-04-01T00:00',
      'day 2026-04-01T00:00 2026-04-02T00:00',
      'hour 2026-04-02T00:00 2026-04-02T01:00',
      'records 2026-04-02T01:00 2026-04-02T01:15',
    ]);
  });

  it('is no coarser than asked for', () => {
    expect(shown(at('2026-01-01T00:00'), at('2026-03-01T00:00'), 'day')).toEqual([
      'day 2026-01-01T00:00 2026-03-01T00:00',
    ]);
  });

  it('is one segment when both ends are open', () => {
    expect(shown(-Infinity, Infinity, 'hour')).toEqual(['hour -Infinity Infinity']);
  });

  it('is single records within an hour', () => {
    expect(shown(at('2026-01-01T10:10'), at('2026-01-01T10:20'), 'month')).toEqual([
      'records 2026-01-01T10:10 2026-01-01T10:20',
    ]);
  });

  it('has no gap, no overlap and nothing else, whatever the range', () => {
    const moment = integer({ min: at('2020-01-01'), max: at('2030-01-01') });
    assert(
      property(moment, moment, constantFrom<Grain>('hour', 'day', 'month'), (a, b, coarsest) => {
        const [from, to] = a < b ? [a, b] : [b, a];
        const cover = coverage(from, to, coarsest);
        let reached = from;
        for (const { fromMs, toMs } of cover) {
          expect(fromMs).toBe(reached);
          expect(toMs).toBeGreaterThan(fromMs);
          reached = toMs;
        }
        expect(reached).toBe(cover.length === 0 ? from : to);
      }),
    );
  });
});
