import { env } from 'node:process';
import { expect, test } from 'vitest';
import { runTruth } from './truth-run.ts';

// The short run is part of `npm test`; `npm run test:truth` is the long one.
const isLong = env['MODE'] === 'long';
const requests = Number(env['TRUTH_REQUESTS'] ?? (isLong ? 20_000 : 1_200));
const seed = Number(env['TRUTH_SEED'] ?? Date.now() % 1_000_000);
const replay = `TRUTH_SEED=${seed} TRUTH_REQUESTS=${requests} npm run test:truth`;

test('the audit, the provider and the client tell the same story of every request', async () => {
  const { mismatches, endings } = await runTruth({ seed, requests });

  const told = mismatches.slice(0, 20).join('\n');
  expect(mismatches.length, `${told}\n\nagain: ${replay}\n`).toBe(0);
  for (const ending of ENDINGS) expect(endings, `seed ${seed}`).toHaveProperty(ending);
}, 600_000);

/** What every run must have met. */
const ENDINGS = [
  'completed',
  'aborted',
  'keys_rate_limited',
  'upstream_truncated',
  'upstream_unreachable',
  'upstream_timeout',
  'overloaded',
  'upstream_error',
  'invalid_request',
];
