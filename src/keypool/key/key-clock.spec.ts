import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { KeyClock } from './key-clock.ts';

const HOUR_MS = 3_600_000;

/** The database's time, told at once or after a while. */
function agree(clock: KeyClock, databaseMs: number, tookMs = 0): number {
  const untilMs = clock.monotonicMs();
  return clock.agree(databaseMs, { fromMs: untilMs - tookMs, untilMs });
}

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
    expect(agree(clock, databaseMs)).toBe(HOUR_MS);
    expect(clock.nowMs()).toBe(databaseMs);
  });

  it.each([
    [1_000, 2_000, 0],
    [1_001, 2_000, 1_001],
    [-1_000, 2_000, 0],
    [20, 2, 20],
    [1, 2, 0],
  ])('%i ms apart after %i ms of asking: it is put right by %i', (apartMs, tookMs, byMs) => {
    const wall = new FakeClock();
    const clock = new KeyClock(wall);
    wall.advanceMs(tookMs);
    expect(agree(clock, wall.nowMs() - tookMs / 2 + apartMs, tookMs)).toBe(byMs);
    expect(clock.nowMs()).toBe(wall.nowMs() + byMs);
  });

  it('does not follow every drift later on', () => {
    const wall = new FakeClock();
    const clock = new KeyClock(wall);
    agree(clock, wall.nowMs());
    expect(agree(clock, wall.nowMs() + 999)).toBe(0);
    expect(agree(clock, wall.nowMs() - 1_000 + 1_999, 2_000)).toBe(0);
    expect(clock.nowMs()).toBe(wall.nowMs());
  });

  // What is known by then is by the database's time, which it lost: the machine slept, say.
  it('follows the database later on, and moves nothing', () => {
    const wall = new FakeClock();
    const clock = new KeyClock(wall);
    agree(clock, wall.nowMs());
    expect(agree(clock, wall.nowMs() + HOUR_MS)).toBe(0);
    expect(clock.nowMs()).toBe(wall.nowMs() + HOUR_MS);
  });
});
