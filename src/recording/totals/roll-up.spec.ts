import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RollUp, UsageTotals } from './roll-up.ts';

/** Says of each time whether there is more, or fails. */
class Totals extends UsageTotals {
  times = 0;

  constructor(private readonly isMore: readonly (boolean | Error)[]) {
    super();
  }

  override rollUp(): Promise<boolean> {
    const outcome = this.isMore[this.times] ?? false;
    this.times += 1;
    return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** How often it added up in so long a time, and what it said. */
async function ran(isMore: readonly (boolean | Error)[], ms: number) {
  const totals = new Totals(isMore);
  const failures: string[] = [];
  const stop = new AbortController();
  const reports = { failed: (what: string, reason: string) => failures.push(`${what}: ${reason}`) };
  const running = new RollUp(totals, reports).run(stop.signal);
  await vi.advanceTimersByTimeAsync(ms);
  stop.abort();
  await running;
  return { times: totals.times, failures };
}

test('it adds up at once, then every five seconds', async () => {
  expect(await ran([], 4_999)).toEqual({ times: 1, failures: [] });
  expect(await ran([], 10_000)).toEqual({ times: 3, failures: [] });
});

test('it goes on without waiting for as long as there is more', async () => {
  expect(await ran([true, true, true, false], 1_000)).toEqual({ times: 4, failures: [] });
});

test('it says that it failed, and tries again', async () => {
  expect(await ran([new Error('no database')], 5_000)).toEqual({
    times: 2,
    failures: ['adding up usage: no database'],
  });
});
