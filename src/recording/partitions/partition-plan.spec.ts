import { describe, expect, it } from 'vitest';
import { firstIdAt, timeOfId, uuidv7 } from '../../core/ids.ts';
import { missingPartitions, type Grain, type IdRange } from './partition-plan.ts';

const at = (text: string): number => Date.parse(`${text}Z`);
const range = (from: string, to: string): IdRange => ({
  from: firstIdAt(at(from)),
  to: firstIdAt(at(to)),
});

/** As `name: from … to`, in time. */
function plan(present: readonly IdRange[], from: string, to: string, grain: Grain): string[] {
  const wanted = { fromMs: at(from), toMs: at(to), grain };
  return missingPartitions('prompts', present, wanted).map(
    (one) => `${one.name}: ${timeText(one.from)} … ${timeText(one.to)}`,
  );
}

function timeText(id: string): string {
  return new Date(timeOfId(id)).toISOString().slice(0, 10);
}

describe('missingPartitions', () => {
  it.each<[Grain, string[]]>([
    [
      'month',
      ['prompts_20261201: 2026-12-01 … 2027-01-01', 'prompts_20270101: 2027-01-01 … 2027-02-01'],
    ],
    [
      'day',
      ['prompts_20261231: 2026-12-31 … 2027-01-01', 'prompts_20270101: 2027-01-01 … 2027-01-02'],
    ],
  ])('covers what is between two times by %s', (grain, expected) => {
    expect(plan([], '2026-12-31T23:59:59.999', '2027-01-01T00:00', grain)).toEqual(expected);
  });

  it('makes none where there is one', () => {
    const months = [range('2026-11-01T00:00', '2026-12-01T00:00')];
    expect(plan(months, '2026-11-01T00:00', '2026-11-30T23:59:59.999', 'month')).toEqual([]);
    expect(plan(months, '2026-11-20T00:00', '2026-11-22T00:00', 'day')).toEqual([]);
  });

  it('takes what neighbours leave, when another length was in force before', () => {
    const days = [
      range('2026-11-07T00:00', '2026-11-08T00:00'),
      range('2026-11-12T00:00', '2026-11-13T00:00'),
    ];
    expect(plan(days, '2026-11-03T12:00', '2026-11-30T00:00', 'month')).toEqual([
      'prompts_20261101: 2026-11-01 … 2026-11-07',
      'prompts_20261108: 2026-11-08 … 2026-11-12',
      'prompts_20261113: 2026-11-13 … 2026-12-01',
    ]);
  });

  it.each(['day', 'month'] as const)('has room for ids of any time by %s', (grain) => {
    for (const ms of [0, at('1999-12-31T23:59'), at('2024-02-29T12:00'), at('9999-12-31T12:00')]) {
      const [only, ...others] = missingPartitions('t', [], { fromMs: ms, toMs: ms, grain });
      expect(others).toEqual([]);
      expect([ms, only?.from]).toEqual([ms, firstIdAt(timeOfId(only?.from ?? ''))]);
      expect((only?.from ?? '') <= firstIdAt(ms) && firstIdAt(ms) < (only?.to ?? '')).toBe(true);
    }
  });

  it('puts an id where its time is', () => {
    const ms = at('2026-11-21T17:00');
    const [day] = missingPartitions('t', [], { fromMs: ms, toMs: ms, grain: 'day' });
    const id = uuidv7(ms);
    expect((day?.from ?? '') <= id && id < (day?.to ?? '')).toBe(true);
  });
});
