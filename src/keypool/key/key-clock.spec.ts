import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { KeyClock } from './key-clock.ts';

const HOUR_MS = 3_600_000;

describe('the clock of the keys', () => {
  it('begins at the wall clock and does not follow it when that is set', () => {
    const wall = new FakeClock();
    const clock = new KeyClock(wall);
    const startMs = clock.nowMs();
    expect(startMs).toBe(wall.nowMs());
    wall.setWallMs(startMs - 6 * HOUR_MS);
    wall.advanceMs(1_000);
    expect(clock.nowMs()).toBe(startMs + 1_000);
  });

  it('goes by the database as soon as it knows its time, and says by how much it was wrong', () => {
    const wall = new FakeClock();
    const clock = new KeyClock(wall);
    const databaseMs = wall.nowMs() + HOUR_MS;
    expect(clock.agree(databaseMs, wall.monotonicMs())).toBe(HOUR_MS);
    expect(clock.nowMs()).toBe(databaseMs);
  });

  it('takes the time that a question takes for no disagreement', () => {
    const wall = new FakeClock();
    const clock = new KeyClock(wall);
    clock.agree(wall.nowMs(), wall.monotonicMs());
    expect(clock.agree(wall.nowMs() + 999, wall.monotonicMs())).toBe(0);
    expect(clock.nowMs()).toBe(wall.nowMs());
  });

  // What is known by then is by the database's time, which it lost: the machine slept, say.
  it('follows the database later on, and moves nothing', () => {
    const wall = new FakeClock();
    const clock = new KeyClock(wall);
    clock.agree(wall.nowMs(), wall.monotonicMs());
    expect(clock.agree(wall.nowMs() + HOUR_MS, wall.monotonicMs())).toBe(0);
    expect(clock.nowMs()).toBe(wall.nowMs() + HOUR_MS);
  });
});
