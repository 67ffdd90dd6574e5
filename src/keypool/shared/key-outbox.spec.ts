import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { aProcess } from '../../../test/support/key-change.ts';
import { KeyOutbox } from './key-outbox.ts';

function anOutbox() {
  const clock = new FakeClock();
  const process = aProcess({ clock });
  const outbox = new KeyOutbox();
  const post = (): void => process.told.splice(0).forEach((transition) => outbox.add(transition));
  return { ...process, clock, outbox, post };
}

describe('what waits to be told', () => {
  it('keeps the order of changes of state', () => {
    const { outbox, post, ...process } = anOutbox();
    process.cool(0, 1_000);
    process.reject(0);
    process.reset(0, 'dave');
    post();
    expect(outbox.next()).toMatchObject([
      { reason: 'rate_limited' },
      { reason: 'unauthorized' },
      { reason: 'operator_reset', actor: 'dave' },
    ]);
  });

  it('adds a longer cooldown to the one that still waits, however often it is extended', () => {
    const { outbox, post, ...process } = anOutbox();
    for (let second = 1; second <= 50; second++) process.cool(0, second * 1_000);
    const startMs = process.clock.nowMs();
    post();
    expect(outbox.next()).toMatchObject([{ record: { cooldown: { untilMs: startMs + 50_000 } } }]);
  });

  it('changes nothing that is under way: what comes meanwhile goes next', () => {
    const { outbox, post, ...process } = anOutbox();
    process.cool(0, 1_000);
    post();
    const underWay = outbox.next();
    process.cool(0, 2_000);
    post();
    expect(outbox.next()).toBe(underWay);
    outbox.delivered();
    expect(outbox.isEmpty).toBe(false);
    expect(outbox.next()).toMatchObject([{ record: { cooldown: {} }, isStateChange: false }]);
    outbox.delivered();
    expect(outbox.isEmpty).toBe(true);
  });

  it('never grows beyond its bound, and always ends with what is true now', () => {
    const { outbox, post, ...process } = anOutbox();
    for (let round = 0; round < 5_000; round++) {
      process.reject(0);
      process.reset(0);
      process.clock.advanceMs(1);
      post();
    }
    process.reject(1);
    process.reject(0);
    post();
    const waiting = outbox.next();
    expect(waiting.length).toBeLessThanOrEqual(1_002);
    const ofKey = (index: number) =>
      waiting.filter(({ record }) => record.fingerprint === process.key(index).fingerprint);
    expect(ofKey(0).at(-1)?.record).toEqual(process.key(0).record(null));
    expect(ofKey(1).at(-1)?.record).toEqual(process.key(1).record(null));
  });

  // Models are named by clients.
  it('never grows beyond its bound for models either, and loses nothing about whole keys', () => {
    const { outbox, post, ...process } = anOutbox();
    process.reject(1);
    for (let model = 0; model < 5_000; model++) process.forbid(0, `model-${model}`);
    process.reject(0);
    post();
    const waiting = outbox.next();
    expect(waiting.length).toBeLessThanOrEqual(1_000);
    const whole = waiting.filter(({ record }) => record.scope === null);
    expect(whole.map(({ record }) => record.fingerprint)).toEqual([
      process.key(1).fingerprint,
      process.key(0).fingerprint,
    ]);
    expect(waiting.at(-2)?.record.scope).toBe('model-4999');
  });

  it('moves along when the clock that it was noted by is put right', () => {
    const { outbox, post, ...process } = anOutbox();
    process.cool(0, 1_000);
    post();
    const [underWay] = outbox.next();
    process.reject(0);
    post();
    outbox.move(60_000);
    const startMs = process.clock.nowMs() + 60_000;
    expect(underWay?.atMs).toBe(startMs - 60_000);
    expect(outbox.next()).toMatchObject([
      { atMs: startMs, record: { cooldown: { sinceMs: startMs, untilMs: startMs + 1_000 } } },
    ]);
    outbox.delivered();
    expect(outbox.next()).toMatchObject([{ record: { rejection: { sinceMs: startMs } } }]);
  });
});
