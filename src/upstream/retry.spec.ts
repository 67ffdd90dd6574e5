import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { isRetryable, retryDelayMs } from './retry.ts';
import { UpstreamFailure } from './wire/upstream-failure.ts';

type Tried = Parameters<typeof isRetryable>[0];

function answered(status: number, headers: readonly string[] = [], verdict = 'healthy'): Tried {
  const body = { read: () => Promise.resolve(undefined), cancel: () => undefined };
  return {
    kind: 'answered',
    inspected: { answer: { status, headers, body } },
    verdict: { kind: verdict },
  };
}

function failed(kind: UpstreamFailure['kind']): Tried {
  return { kind: 'failed', failure: new UpstreamFailure(kind, 'no answer') };
}

function delayMs(tried: Tried, retry: number, drawn = 0): number | undefined {
  return retryDelayMs(tried, retry, { clock: new FakeClock(), random: () => drawn });
}

describe('the same key is worth another try', () => {
  it.each([408, 409, 500, 502, 503, 504, 529])('after a %i', (status) => {
    expect(isRetryable(answered(status))).toBe(true);
  });

  it.each(['unreachable', 'truncated', 'malformed'] as const)('when the answer was %s', (kind) => {
    expect(isRetryable(failed(kind))).toBe(true);
  });
});

describe('the same key is not worth another try', () => {
  it.each([200, 400, 401, 404, 413, 422])('after a %i', (status) => {
    expect(isRetryable(answered(status))).toBe(false);
  });

  it('when what came back is about the key', () => {
    expect(isRetryable(answered(503, [], 'cool'))).toBe(false);
    expect(isRetryable(answered(500, [], 'reject'))).toBe(false);
  });

  it.each(['timeout', 'aborted'] as const)('after a %s', (kind) => {
    expect(isRetryable(failed(kind))).toBe(false);
  });
});

describe('the pause before it', () => {
  it.each([
    ['what the provider asks for in milliseconds', ['retry-after-ms', '1500'], 0, 1_500],
    ['what the provider asks for in seconds', ['Retry-After', '2'], 0, 2_000],
    ['our own when the provider asks for nothing', [], 0, 500],
    ['twice as long each time', [], 3, 4_000],
    ['bounded', [], 30, 8_000],
  ])('is %s', (_, headers, retry, expected) => {
    expect(delayMs(answered(503, headers), retry)).toBe(expected);
    expect(delayMs(answered(503, headers), retry, 0.999)).toBeLessThanOrEqual(1.25 * expected);
    expect(delayMs(answered(503, headers), retry, 0.999)).toBeGreaterThan(1.24 * expected);
  });

  it('is too long when the provider asks for a minute or more', () => {
    expect(delayMs(answered(503, ['retry-after', '60']), 0)).toBeUndefined();
  });

  it('is our own when no answer came', () => {
    expect(delayMs(failed('unreachable'), 1)).toBe(1_000);
  });
});
