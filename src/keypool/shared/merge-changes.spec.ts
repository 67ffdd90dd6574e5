import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { aProcess } from '../../../test/support/key-change.ts';
import type { KeyRecord } from '../key/key-record.ts';
import { mergeChanges } from './merge-changes.ts';

const clock = new FakeClock();

describe('what is on record', () => {
  it('two that meet the same limit make one event, and the longer cooldown is kept', () => {
    const [one, two] = [aProcess({ clock }), aProcess({ clock })];
    one.cool(0, 60_000);
    two.cool(0, 30_000);
    const { records, events } = mergeChanges([], [...one.told, ...two.told], clock.nowMs());
    expect(records).toMatchObject([{ cooldown: { untilMs: clock.nowMs() + 60_000 } }]);
    expect(events).toMatchObject([
      { previousState: 'valid', state: 'temporary', status: 429, cooldownMs: 60_000 },
    ]);
  });

  it('what is told twice changes nothing', () => {
    const one = aProcess({ clock });
    one.reject(0);
    one.reset(0, 'dave');
    const first = mergeChanges([], one.told, clock.nowMs());
    expect(mergeChanges(first.records, one.told, clock.nowMs())).toEqual({
      records: [],
      events: [],
    });
  });

  it('every change of state in a row is an event, with the operator who made it', () => {
    const one = aProcess({ clock });
    one.cool(0, 1_000);
    one.reject(0);
    one.reset(0, 'dave');
    const { events } = mergeChanges([], one.told, clock.nowMs());
    expect(events).toMatchObject([
      { previousState: 'valid', state: 'temporary', actor: null },
      { previousState: 'temporary', state: 'permanent', reason: 'unauthorized', status: 401 },
      { previousState: 'permanent', state: 'valid', reason: 'operator_reset', actor: 'dave' },
    ]);
  });

  it('a key and its models are records of their own, and so are the keys of two providers', () => {
    const [one, two] = [aProcess({ clock }), aProcess({ clock, provider: 'other' })];
    one.forbid(0, 'opus');
    one.cool(0, 1_000);
    two.reject(0);
    const { records } = mergeChanges([], [...one.told, ...two.told], clock.nowMs());
    expect(records.map(({ provider, scope }) => [provider, scope])).toEqual([
      ['anthropic', 'opus'],
      ['anthropic', null],
      ['other', null],
    ]);
  });

  // A cooldown that is written down with a wrong clock would be read by everybody, again and again.
  it('a cooldown from a clock that is a day ahead lasts no longer than it was meant to', () => {
    const ahead = aProcess({ clock: new FakeClock(clock.nowMs() + 86_400_000) });
    ahead.cool(0, 30_000);
    const { records } = mergeChanges([], ahead.told, clock.nowMs());
    const [record] = records;
    expect(record?.cooldown?.untilMs).toBe(clock.nowMs() + 60_000 + 30_000);
  });

  it('a reset that one process made late brings back what another told before', () => {
    const [one, two] = [aProcess({ clock }), aProcess({ clock })];
    one.reject(0);
    const known: readonly KeyRecord[] = mergeChanges([], one.told, clock.nowMs()).records;
    two.reset(0);
    expect(mergeChanges(known, two.told, clock.nowMs())).toMatchObject({
      records: [{ rejection: null }],
      events: [{ previousState: 'permanent', state: 'valid' }],
    });
  });
});
