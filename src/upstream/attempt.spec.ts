import { expect, it } from 'vitest';
import { NO_WITNESS } from '../../test/support/a-call.ts';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Secret } from '../core/secret.ts';
import { Attempt, type AttemptWitness, type Credential, type FinishedAttempt } from './attempt.ts';
import { UpstreamFailure } from './wire/upstream-failure.ts';

const CREDENTIAL: Credential = {
  kind: 'centralized',
  secret: new Secret('sk-ant-0001'),
  scheme: 'x-api-key',
};

function attempted(run: (attempt: Attempt, clock: FakeClock) => void): FinishedAttempt[] {
  const finished: FinishedAttempt[] = [];
  const clock = new FakeClock(1_000);
  const witness: AttemptWitness = {
    ...NO_WITNESS,
    attemptFinished: (attempt) => finished.push(attempt),
  };
  run(new Attempt(2, CREDENTIAL, clock, witness), clock);
  return finished;
}

it('lasts until nothing more is expected, and waits until the answer is known', () => {
  const finished = attempted((attempt, clock) => {
    attempt.headArrived(200);
    clock.advanceMs(40);
    attempt.answered();
    clock.advanceMs(60);
    attempt.finish({ outcome: 'served' });
  });
  expect(finished).toEqual([
    {
      ordinal: 2,
      credential: CREDENTIAL,
      status: 200,
      startedAtMs: 1_000,
      durationMs: 100,
      waitedMs: 40,
      outcome: 'served',
      cooldownMs: null,
      error: null,
    },
  ]);
});

it('ends once, the first time', () => {
  const finished = attempted((attempt) => {
    attempt.finish({ outcome: 'rate_limited', cooldownMs: 5, error: 'slow down' });
    attempt.finish({ outcome: 'served' });
    attempt.fail(new UpstreamFailure('timeout', 'late'));
  });
  expect(finished).toMatchObject([
    { outcome: 'rate_limited', cooldownMs: 5, error: 'slow down', status: null },
  ]);
});

it('was waited for all along when no answer came', () => {
  const finished = attempted((attempt, clock) => {
    clock.advanceMs(70);
    attempt.fail(new UpstreamFailure('timeout', 'nothing came'));
  });
  expect(finished).toMatchObject([{ waitedMs: 70, durationMs: 70, error: 'nothing came' }]);
});

it.each([
  ['unreachable', 'transport_error'],
  ['truncated', 'transport_error'],
  ['timeout', 'timeout'],
  ['aborted', 'aborted'],
] as const)('that ends %s is recorded as %s', (kind, outcome) => {
  const finished = attempted((attempt) => attempt.fail(new UpstreamFailure(kind, 'why')));
  expect(finished).toMatchObject([{ outcome, error: 'why' }]);
});
