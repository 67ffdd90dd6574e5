import { expect, test } from 'vitest';
import { BridgeError } from '../../core/errors.ts';
import { faultText } from './fault-text.ts';

const NOW_MS = Date.UTC(2026, 10, 21, 14, 30, 13);
const tell = (error: BridgeError): string =>
  faultText(error, { interceptionId: '0197', nowMs: NOW_MS });

test('says who speaks and which interception it was', () => {
  expect(tell(new BridgeError('draining', { public: 'The bridge is shutting down.' }))).toBe(
    'AI Bridge: The bridge is shutting down. (interception 0197)',
  );
});

test.each([
  [12_000, 'Try again in 12 seconds, at 2026-11-21 14:30:25 UTC.'],
  [11_001, 'Try again in 12 seconds, at 2026-11-21 14:30:25 UTC.'],
  [1, 'Try again in 1 second, at 2026-11-21 14:30:14 UTC.'],
  [3_600_000, 'Try again in 3600 seconds, at 2026-11-21 15:30:13 UTC.'],
])('says until when to wait, as Retry-After does: %i ms', (retryAfterMs, wait) => {
  const error = new BridgeError('keys_rate_limited', { public: 'no key is left', retryAfterMs });
  expect(tell(error)).toBe(`AI Bridge: no key is left. ${wait} (interception 0197)`);
});

test('says nothing of waiting when there is nothing to wait for', () => {
  const error = new BridgeError('keys_rate_limited', { public: 'no key is left', retryAfterMs: 0 });
  expect(tell(error)).toBe('AI Bridge: no key is left. (interception 0197)');
});
