import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { abortedBy, CallBound } from './call-bound.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('ends a call that takes too long as one that timed out', () => {
  const { signal } = new CallBound(new AbortController().signal, 1_500);
  vi.advanceTimersByTime(1_499);
  expect(signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(abortedBy(signal)).toMatchObject({
    kind: 'timeout',
    message: 'the call took longer than 1.5 s',
  });
});

it.each([1_500, undefined])('ends a call whose caller goes, with a bound of %s', (ms) => {
  const caller = new AbortController();
  const { signal } = new CallBound(caller.signal, ms);
  caller.abort();
  expect(abortedBy(signal)).toMatchObject({ kind: 'aborted', message: 'the caller went away' });
});

it('leaves nothing behind when the call has ended', () => {
  const bound = new CallBound(new AbortController().signal, 1_500);
  bound.lift();
  expect(vi.getTimerCount()).toBe(0);
  expect(bound.signal.aborted).toBe(false);
});
