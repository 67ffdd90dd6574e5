import type { FakeClock } from './fake-clock.ts';
import { ANTHROPIC } from '../../src/providers/anthropic/index.ts';
import type { AttemptWitness } from '../../src/upstream/attempt.ts';
import type { BreakerWitness } from '../../src/upstream/breaker/breakers.ts';
import type { FailoverSettings } from '../../src/upstream/failover.ts';
import { WaitingRoom } from '../../src/upstream/key-patience.ts';
import type { Answer } from '../../src/upstream/wire/upstream-call.ts';

export const NO_WITNESS: AttemptWitness = {
  attemptBegun: () => undefined,
  headArrived: () => undefined,
  attemptFinished: () => undefined,
  waitedForKey: () => undefined,
};

export const NO_BREAKER_WITNESS: BreakerWitness = {
  breakerChanged: () => undefined,
  callRefused: () => undefined,
};

/** Without retries, waits and chance, at Anthropic's. */
export function plainSettings(clock: FakeClock): FailoverSettings {
  return {
    provider: ANTHROPIC,
    retriesMax: 0,
    cooldownScope: 'key',
    forbiddenScope: 'key',
    renewal: undefined,
    waitingRoom: new WaitingRoom({ waitMsMax: 0, clock, random: () => 0 }),
    clock,
    random: () => 0,
  };
}

/** One without a body. */
export function anAnswer(
  status: number,
  headers: readonly string[] = [],
  onCancel: () => void = () => undefined,
): Answer {
  return { status, headers, body: { read: () => Promise.resolve(undefined), cancel: onCancel } };
}
