import { expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import type { KeptTurns } from '../apis/tool-dialect.ts';
import { TurnsKept } from './turns-kept.ts';

const MIB = 1024 * 1024;

const turns = (callId: string, bytes = 1): KeptTurns => ({
  before: [],
  said: [Buffer.alloc(bytes)],
  results: [],
  callersCalls: [callId, `${callId} too`],
});

it('finds a turn by its first call, for its owner alone', () => {
  const kept = new TurnsKept(new FakeClock());
  const mine = turns('c1');
  kept.of('alice').keep(mine);
  expect(kept.of('alice').find('c1')).toBe(mine);
  expect(kept.of('alice').find('c1 too')).toBeUndefined();
  expect(kept.of('bob').find('c1')).toBeUndefined();
});

it('finds a turn by whatever else it is named by, as long as it is kept', () => {
  const clock = new FakeClock();
  const kept = new TurnsKept(clock).of('alice');
  const named = { ...turns('c1'), names: ['c1', 'rs_1', 'resp_1'] };
  kept.keep(named);
  expect(['c1', 'rs_1', 'resp_1', 'c1 too'].map((name) => kept.find(name))).toEqual([
    named,
    named,
    named,
    undefined,
  ]);
  clock.advanceMs(61 * 60_000);
  kept.keep(turns('c2'));
  expect(['c1', 'rs_1', 'resp_1'].some((name) => kept.find(name) !== undefined)).toBe(false);
});

it('finds by a name what was last kept by it', () => {
  const kept = new TurnsKept(new FakeClock()).of('alice');
  const later = { ...turns('c2'), names: ['c2', 'rs_1'] };
  kept.keep({ ...turns('c1'), names: ['c1', 'rs_1'] });
  kept.keep(later);
  kept.keep(turns('c1'));
  expect(kept.find('rs_1')).toBe(later);
});

it('keeps what was last said of a call', () => {
  const kept = new TurnsKept(new FakeClock()).of('alice');
  const again = turns('c1');
  kept.keep(turns('c1'));
  kept.keep(again);
  expect(kept.find('c1')).toBe(again);
});

it('forgets what has been used longest ago when there is too much', () => {
  const kept = new TurnsKept(new FakeClock()).of('alice');
  for (const id of ['c1', 'c2', 'c3']) kept.keep(turns(id, 20 * MIB));
  kept.find('c1');
  kept.keep(turns('c4', 20 * MIB));
  expect(['c1', 'c2', 'c3', 'c4'].filter((id) => kept.find(id) !== undefined)).toEqual([
    'c1',
    'c3',
    'c4',
  ]);
});

it('forgets what nobody has asked for in an hour', () => {
  const clock = new FakeClock();
  const kept = new TurnsKept(clock).of('alice');
  kept.keep(turns('c1'));
  clock.advanceMs(61 * 60_000);
  kept.keep(turns('c2'));
  expect(kept.find('c1')).toBeUndefined();
  expect(kept.find('c2')).toBeDefined();
});
