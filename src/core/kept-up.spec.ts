import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { keptUp } from './kept-up.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A task that fails, unless `isUp` says otherwise; answers when it was begun. */
function aTask(options: { readonly isUp?: (time: number) => boolean; readonly random?: number }) {
  const begun: number[] = [];
  const stop = new AbortController();
  const startMs = Date.now();
  const running = keptUp(
    async (isUp) => {
      begun.push(Date.now() - startMs);
      if (options.isUp?.(begun.length) === true) isUp();
      throw new Error(String(begun.length));
    },
    {
      signal: stop.signal,
      pauses: { minMs: 100, maxMs: 1_000, random: () => options.random ?? 1 },
      failed: (error) => (String(error) === 'Error: 6' ? 5_000 : undefined),
    },
  );
  return { begun, stop, running };
}

it('tries again after pauses that double up to the longest, or are what the failure asks for', async () => {
  const { begun, stop, running } = aTask({});
  await vi.advanceTimersByTimeAsync(8_499);
  stop.abort();
  await running;
  expect(begun).toEqual([0, 100, 300, 700, 1_500, 2_500, 7_500]);
});

it('begins with a short pause again after it was up', async () => {
  const { begun, stop, running } = aTask({ isUp: (time) => time === 3 });
  await vi.advanceTimersByTimeAsync(650);
  stop.abort();
  await running;
  expect(begun).toEqual([0, 100, 300, 400, 600]);
});

it('comes back sooner by chance, but never at once', async () => {
  const { begun, stop, running } = aTask({ random: 0 });
  await vi.advanceTimersByTimeAsync(150);
  stop.abort();
  await running;
  expect(begun).toEqual([0, 50, 150]);
});

it('ends in the middle of a pause, and is told nothing of a task that the end has stopped', async () => {
  const { stop, running } = aTask({});
  stop.abort();
  await running;
  const stopping = new AbortController();
  const failed = vi.fn<() => undefined>();
  const pauses = { minMs: 1, maxMs: 1, random: () => 0 };
  await keptUp(
    async () => {
      stopping.abort();
      throw new Error('stopped');
    },
    { signal: stopping.signal, pauses, failed },
  );
  expect(failed).not.toHaveBeenCalled();
});
