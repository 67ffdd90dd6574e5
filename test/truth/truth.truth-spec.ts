import { env } from 'node:process';
import { expect, inject, test } from 'vitest';
import { HABITS_READ } from './habits.ts';
import { runTruth } from './truth-run.ts';

// The short run. The long ones are `npm run test:truth`, a program of its own.
const requests = 1_200;
const seed = Number(env['TRUTH_SEED'] ?? Date.now() % 1_000_000);

test('the audit, the provider and the client tell the same story of every request', async () => {
  const run = { seed, requests, habits: HABITS_READ, server: inject('postgres') };
  const { mismatchCount, mismatches, endings, kills } = await runTruth(run);

  const replay = `npm run test:truth -- --requests ${requests} --seed ${seed}`;
  expect(mismatchCount, `${mismatches.join('\n')}\n\nagain: ${replay}\n`).toBe(0);
  for (const ending of ENDINGS) expect(endings, `seed ${seed}`).toHaveProperty(ending);
  expect(kills, `seed ${seed}`).toBeGreaterThan(0);
}, 600_000);

/** What every run must have met. */
const ENDINGS = [
  'completed',
  'completed after tools',
  'aborted',
  'keys_rate_limited',
  'upstream_truncated',
  'upstream_unreachable',
  'upstream_timeout',
  'overloaded',
  'upstream_error',
  'invalid_request',
];
