import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  anAnswer,
  NO_BREAKER_WITNESS,
  NO_WITNESS,
  plainSettings,
} from '../../test/support/a-call.ts';
import { aPool } from '../../test/support/a-pool.ts';
import {
  BREAKER,
  type End,
  KEYS,
  LIMITED_MS,
  type Reaction,
  type Seen,
  type SimpleCall,
  SimpleScene,
  STATUS,
  wayOf,
} from '../../test/support/simple-breakers.ts';
import { unreachable } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import type { Attempt } from './attempt.ts';
import { Breakers } from './breaker/breakers.ts';
import type { InspectedAnswer } from './failover.ts';
import { callBehindBreaker, type GuardedResult } from './guarded-call.ts';
import type { Answer } from './wire/upstream-call.ts';
import { abortedBy } from './wire/call-bound.ts';
import { UpstreamFailure } from './wire/upstream-failure.ts';

/** What stands here several times happens more often: to get through to half open takes a while. */
const MODELS = ['opus', 'opus', 'opus', 'haiku'] as const;
const REACTIONS = [
  ...(['ok', 'ok', 'ok', 'busy', 'busy', 'busy', 'busy', 'busy', 'unreachable'] as const),
  ...(['bad', 'limited', 'rejected', 'leave'] as const),
] as const satisfies readonly Reaction[];
const ENDS = ['complete', 'overloaded', 'cut', 'left'] as const satisfies readonly End[];
const WAITS_MS = [1, 4_000, 5_001, 9_999, 15_000, 15_000, 15_000] as const;

type Operation =
  | { readonly op: 'begin'; readonly model: string; readonly isOwn: boolean }
  | { readonly op: 'react'; readonly call: number; readonly with: Reaction }
  | { readonly op: 'end'; readonly call: number; readonly how: End }
  | { readonly op: 'wait'; readonly ms: number }
  | { readonly op: 'reset' };

/** A real call, of which the test plays the caller and the provider. */
class RealCall {
  seen: Seen = '';
  readonly #caller = new AbortController();
  #answer: ((answer: Answer) => void) | undefined;
  #fail: ((failure: UpstreamFailure) => void) | undefined;
  #result: GuardedResult<InspectedAnswer> | undefined;
  #ordinal = 0;

  constructor(scene: RealScene, model: string, isOwn: boolean) {
    const call = {
      route: '/v1/messages',
      model,
      byok: isOwn
        ? ({ kind: 'byok', secret: new Secret('own'), scheme: 'bearer' } as const)
        : undefined,
      pool: scene.pool,
      signal: this.#caller.signal,
      send: (attempt: Attempt) => this.#send(attempt),
      inspect: (answer: Answer) =>
        Promise.resolve({ answer, error: undefined, failure: undefined }),
      nextOrdinal: () => (this.#ordinal += 1),
      witness: NO_WITNESS,
    };
    void this.#made(callBehindBreaker<InspectedAnswer>(call, scene.settings));
  }

  react(reaction: Reaction): void {
    if (reaction === 'leave') {
      this.#caller.abort();
      this.#fail?.(abortedBy(this.#caller.signal));
    } else if (reaction === 'unreachable') {
      this.#fail?.(new UpstreamFailure('unreachable', 'connection refused'));
    } else {
      const headers = reaction === 'limited' ? ['retry-after', String(LIMITED_MS / 1_000)] : [];
      this.#answer?.(anAnswer(STATUS[reaction], headers));
    }
  }

  end(how: End): void {
    if (this.#result?.kind !== 'answered') throw new Error(`ended while ${this.seen}`);
    const overload = { type: 'overloaded_error', code: '', message: '' };
    this.#result.relayed({
      kind: how === 'left' ? 'caller_left' : how === 'cut' ? 'upstream_failed' : 'complete',
      error: how === 'overloaded' ? overload : undefined,
    });
    this.seen = 'over';
  }

  async #made(call: Promise<GuardedResult<InspectedAnswer>>): Promise<void> {
    const result = await call;
    this.#result = result;
    const { kind } = result;
    this.seen = kind === 'answered' ? `answered ${result.inspected.answer.status}` : kind;
  }

  #send({ credential }: Attempt): Promise<Answer> {
    this.seen = `out with ${credential.secret.reveal()}`;
    return new Promise((resolve, reject) => {
      this.#answer = resolve;
      this.#fail = reject;
    });
  }
}

class RealScene {
  readonly #made = aPool({ keys: KEYS });
  readonly clock = this.#made.clock;
  readonly pool = this.#made.pool;
  readonly breakers = new Breakers(BREAKER, this.clock, NO_BREAKER_WITNESS);
  readonly settings = { ...plainSettings(this.clock), breakers: this.breakers };
  readonly calls: RealCall[] = [];

  get seen() {
    const breakers = this.breakers.all
      .map(({ credentialKind, model, state, refusesForMs }) => {
        const way = wayOf(credentialKind === 'byok', model);
        return `${way} ${state} ${refusesForMs}`;
      })
      .filter((text) => !text.includes(' closed '));
    return { calls: this.calls.map(({ seen }) => seen), breakers: breakers.toSorted() };
  }
}

interface Comparison {
  readonly real: unknown;
  readonly simple: unknown;
}

/** The first moment at which they differ, or the last of all. */
async function compared(operations: readonly Operation[]): Promise<Comparison> {
  const real = new RealScene();
  const simple = new SimpleScene();
  for (const operation of operations) {
    run(operation, real, simple);
    await setImmediate();
    if (JSON.stringify(real.seen) !== JSON.stringify(simple.seen)) break;
  }
  return { real: real.seen, simple: simple.seen };
}

function run(operation: Operation, real: RealScene, simple: SimpleScene): void {
  switch (operation.op) {
    case 'begin':
      real.calls.push(new RealCall(real, operation.model, operation.isOwn));
      return simple.begin(operation.model, operation.isOwn);
    case 'wait':
      real.clock.advanceMs(operation.ms);
      return simple.wait(operation.ms);
    case 'reset':
      for (const { fingerprint } of real.pool.keys) {
        real.pool.reset(fingerprint, 'operator_reset', 'dave@corp');
      }
      return simple.reset();
    case 'react':
      return withOne(real, simple, { so: 'out', at: operation.call }, (one, other) => {
        one.react(operation.with);
        simple.react(other, operation.with);
      });
    case 'end':
      return withOne(real, simple, { so: 'answered', at: operation.call }, (one, other) => {
        one.end(operation.how);
        simple.end(other, operation.how);
      });
    default:
      return unreachable(operation, 'run');
  }
}

/** One of the calls that are so far, if there are any. */
function withOne(
  { calls: reals }: RealScene,
  { calls }: SimpleScene,
  { so, at }: { readonly so: 'out' | 'answered'; readonly at: number },
  use: (real: RealCall, simple: SimpleCall) => void,
): void {
  const fitting = [...calls.keys()].filter((index) => calls[index]?.seen.startsWith(so));
  const index = fitting[at % Math.max(1, fitting.length)] ?? -1;
  const [real, simple] = [reals[index], calls[index]];
  if (real !== undefined && simple !== undefined) use(real, simple);
}

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('begin' as const),
      model: fc.constantFrom(...MODELS),
      isOwn: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('react' as const),
      call: fc.nat(20),
      with: fc.constantFrom(...REACTIONS),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('end' as const),
      call: fc.nat(20),
      how: fc.constantFrom(...ENDS),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('wait' as const),
      ms: fc.constantFrom(...WAITS_MS),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ op: 'reset' as const }) },
);

/** To find the shortest sequence that fails takes longer than all that pass. */
const SHRINKING_MS_MAX = 60_000;

it(
  'breakers and pool together do what is written of them, however calls overlap',
  async () => {
    const sequences = fc.array(operation, { maxLength: 200, size: 'max' });
    await fc.assert(
      fc.asyncProperty(sequences, async (operations) => {
        const { real, simple } = await compared(operations);
        expect(real).toEqual(simple);
      }),
      { numRuns: 500 },
    );
  },
  SHRINKING_MS_MAX,
);
