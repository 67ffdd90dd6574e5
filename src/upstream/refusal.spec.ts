import { describe, expect, it } from 'vitest';
import { PoolExhausted } from '../keypool/index.ts';
import { breakerError, exhaustionError, retryAfterSeconds } from './refusal.ts';

describe('an exhausted pool', () => {
  it.each([
    ['D1', new PoolExhausted('transient', 0), 429, undefined],
    ['D2', new PoolExhausted('transient', 5_000), 429, '5'],
    ['D3', new PoolExhausted('permanent', 0), 502, undefined],
  ] as const)('%s', (_, exhausted, status, retryAfter) => {
    const error = exhaustionError(exhausted);
    expect(error.status).toBe(status);
    expect(error.detail.public).toBe(
      status === 429
        ? 'all configured keys are rate-limited'
        : 'all configured keys failed authentication',
    );
    expect(retryAfterSeconds(error.detail.retryAfterMs)).toBe(retryAfter);
  });

  it.each([
    ['D6', 60_000, '60'],
    ['D6', 500, '1'],
    ['D6', 200, '1'],
    ['rounds up', 5_001, '6'],
    ['D7', -1_000, undefined],
    ['D1', 0, undefined],
    ['without a value', undefined, undefined],
  ])('%s: Retry-After of %s ms is %s', (_, retryAfterMs, header) => {
    expect(retryAfterSeconds(retryAfterMs)).toBe(header);
  });
});

describe('an open circuit breaker', () => {
  it.each([
    [15_000, '15'],
    [14_200, '15'],
    [50, '1'],
    [0, undefined],
  ])('that refuses for %i ms has callers wait for %s s', (refusesForMs, header) => {
    const error = breakerError({ refusesForMs });
    expect(error).toMatchObject({ status: 503, code: 'breaker_open' });
    expect(error.detail.public).toBe('circuit breaker is open');
    expect(retryAfterSeconds(error.detail.retryAfterMs)).toBe(header);
  });
});
