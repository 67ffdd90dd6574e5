import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { unreachable } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import { KeyPool } from '../keypool/index.ts';
import { ANTHROPIC } from '../providers/anthropic/index.ts';
import type { Attempt } from './attempt.ts';
import { Breakers } from './breaker/breakers.ts';
import type { InspectedAnswer } from './failover.ts';
import { callBehindBreaker, type GuardedResult } from './guarded-call.ts';
import { WaitingRoom } from './key-patience.ts';
import type { Answer } from './wire/upstream-call.ts';
import { abortedBy } from './wire/call-bound.ts';
import { UpstreamFailure } from './wire/upstream-failure.ts';

/** What stands here several times happens more often: to get through to half open takes a while. */
const MODELS = ['opus', 'opus', 'opus', 'haiku'] as const;
const REACTIONS = [
  ...(['ok', 'ok', 'ok', 'busy', 'busy', 'busy', 'busy', 'busy', 'unreachable'] as const),
  ...(['bad', 'limited', 'rejected', 'leave'] as const),
] as const;
const ENDS = ['complete', 'overloaded', 'cut', 'left'] as const;
const WAITS_MS = [1, 4_000, 5_001, 9_999, 15_000, 15_000, 15_000] as const;
const KEYS = 2;
const LIMITED_MS = 5_000;
const BREAKER = { failures: 3, intervalMs: 10_000, timeoutMs: 15_000, probes: 2 };

type Reaction = (typeof REACTIONS)[number];
type End = (typeof ENDS)[number];

type Operation =
  | { readonly op: 'begin'; readonly model: string; readonly isOwn: boolean }
  | { readonly op: 'react'; readonly call: number; readonly with: Reaction }
  | { readonly op: 'end'; readonly call: number; readonly how: End }
  | { readonly op: 'wait'; readonly ms: number }
  | { readonly op: 'reset' };

/** What anybody can see of a call: with which key it is out, or what became of it. */
type Seen = string;

const STATUS = { ok: 200, bad: 400, limited: 429, rejected: 401, busy: 503 } as const;

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
      witness: {
        attemptBegun: () => undefined,
        headArrived: () => undefined,
        attemptFinished: () => undefined,
        waitedForKey: () => undefined,
      },
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
      const body = { read: () => Promise.resolve(undefined), cancel: () => undefined };
      this.#answer?.({ status: STATUS[reaction], headers, body });
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
  readonly clock = new FakeClock();
  readonly pool = new KeyPool(
    Array.from({ length: KEYS }, (_, index) => new Secret(`key-${index}`)),
    {
      provider: 'anthropic',
      clock: this.clock,
      cooldownDefaultMs: 60_000,
      cooldownMaxMs: 3_600_000,
    },
  );
  readonly breakers = new Breakers(BREAKER, this.clock, {
    breakerChanged: () => undefined,
    callRefused: () => undefined,
  });
  readonly settings = {
    provider: ANTHROPIC,
    retriesMax: 0,
    cooldownScope: 'key',
    forbiddenScope: 'key',
    waitingRoom: new WaitingRoom({ waitMsMax: 0, clock: this.clock, random: () => 0 }),
    clock: this.clock,
    random: () => 0,
    breakers: this.breakers,
  } as const;
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

interface SimpleCall {
  readonly way: string;
  readonly isOwn: boolean;
  /** The keys that it has not come to yet. */
  keysLeft: number[];
  seen: Seen;
  /** What its breaker had been through when it set out; undefined: it was not let through. */
  era: number | undefined;
  isThrough: boolean;
}

/** Pool and breakers as one would write them down, from what the documentation says of them. */
class SimpleScene {
  readonly calls: SimpleCall[] = [];
  readonly #cooling = new Map<number, number>();
  readonly #rejected = new Set<number>();
  readonly #breakers = new Map<string, SimpleBreaker>();
  #nowMs = 0;

  get seen() {
    const breakers = [...this.#breakers]
      .filter(([, { state }]) => state !== 'closed')
      .map(([way, breaker]) => `${way} ${breaker.state} ${breaker.refusesForMs(this.#nowMs)}`);
    return { calls: this.calls.map(({ seen }) => seen), breakers: breakers.toSorted() };
  }

  wait(ms: number): void {
    this.#nowMs += ms;
  }

  reset(): void {
    this.#cooling.clear();
    this.#rejected.clear();
  }

  begin(model: string, isOwn: boolean): void {
    const way = wayOf(isOwn, model);
    const era = this.#breaker(way).enter(this.#nowMs);
    const keysLeft = Array.from({ length: KEYS }, (_, index) => index);
    const call = { way, isOwn, keysLeft, seen: 'breaker_open', era, isThrough: false };
    this.calls.push(call);
    if (era !== undefined) this.#goOut(call);
  }

  react(call: SimpleCall, reaction: Reaction): void {
    const key = Number(call.seen.at(-1));
    const isAboutKey = reaction === 'limited' || reaction === 'rejected';
    if (isAboutKey && !call.isOwn) {
      if (reaction === 'rejected') this.#rejected.add(key);
      else this.#cooling.set(key, this.#nowMs + LIMITED_MS);
      this.#goOut(call);
    } else if (reaction === 'leave' || reaction === 'unreachable') {
      call.seen = 'failed';
      this.#over(call, reaction === 'leave' ? 'unknown' : 'failed');
    } else {
      call.seen = `answered ${STATUS[reaction]}`;
      if (isAboutKey) this.#over(call, 'unknown');
      else if (reaction === 'busy') this.#over(call, 'failed');
      else this.#breaker(call.way).through(call);
    }
  }

  end(call: SimpleCall, how: End): void {
    // The status of a refusal says what is wrong, whatever its body says besides.
    const isOverloaded = how === 'overloaded' && call.seen === 'answered 200';
    const isBad = isOverloaded || how === 'cut';
    this.#over(call, isBad ? 'failed' : how === 'left' ? 'unknown' : 'served');
    call.seen = 'over';
  }

  #goOut(call: SimpleCall): void {
    if (call.isOwn) {
      call.seen = 'out with own';
      return;
    }
    const next = call.keysLeft.find(
      (key) => !this.#rejected.has(key) && (this.#cooling.get(key) ?? 0) <= this.#nowMs,
    );
    call.keysLeft = call.keysLeft.filter((key) => next !== undefined && key > next);
    call.seen = next === undefined ? 'exhausted' : `out with key-${next}`;
    if (next === undefined) this.#over(call, 'unknown');
  }

  /** A call is over for its breaker once; what comes later is not asked for any more. */
  #over(call: SimpleCall, health: 'served' | 'failed' | 'unknown'): void {
    if (call.era !== undefined) this.#breaker(call.way).over(call, health, this.#nowMs);
    call.era = undefined;
  }

  #breaker(way: string): SimpleBreaker {
    const known = this.#breakers.get(way) ?? new SimpleBreaker();
    this.#breakers.set(way, known);
    return known;
  }
}

class SimpleBreaker {
  state: 'closed' | 'open' | 'half_open' = 'closed';
  /** Counts the changes. */
  era = 0;
  #inARow: number[] = [];
  #sinceMs = 0;
  #out = 0;
  #through = 0;

  refusesForMs(nowMs: number): number {
    const isFull = this.state === 'open' || this.#out >= BREAKER.probes;
    return isFull ? Math.max(0, this.#sinceMs + BREAKER.timeoutMs - nowMs) : 0;
  }

  enter(nowMs: number): number | undefined {
    if (this.state === 'closed') return this.era;
    if (this.refusesForMs(nowMs) > 0) return undefined;
    if (this.state === 'open') this.#change('half_open', nowMs);
    else if (this.#out >= BREAKER.probes) {
      this.#sinceMs = nowMs;
      this.#out = 0;
    }
    this.#out += 1;
    return this.era;
  }

  through(call: SimpleCall): void {
    if (call.era !== this.era || this.state !== 'half_open' || call.isThrough) return;
    call.isThrough = true;
    this.#through += 1;
    if (this.#through === BREAKER.probes) this.#change('closed', 0);
  }

  over(call: SimpleCall, health: 'served' | 'failed' | 'unknown', nowMs: number): void {
    if (call.era !== this.era) return;
    if (health === 'served') {
      if (this.state === 'closed') this.#inARow = [];
      else this.through(call);
    } else if (health === 'failed') {
      const recent = this.#inARow.filter((ms) => nowMs - ms < BREAKER.intervalMs);
      this.#inARow = [...recent, nowMs];
      const isEnough = this.#inARow.length >= BREAKER.failures;
      if (this.state === 'half_open' || isEnough) this.#change('open', nowMs);
    } else if (this.state === 'half_open' && !call.isThrough) {
      this.#out = Math.max(0, this.#out - 1);
    }
  }

  #change(state: 'closed' | 'open' | 'half_open', nowMs: number): void {
    this.state = state;
    this.era += 1;
    this.#inARow = [];
    this.#sinceMs = nowMs;
    this.#out = 0;
    this.#through = 0;
  }
}

function wayOf(isOwn: boolean, model: string): string {
  return `${isOwn ? 'own' : 'pool'} ${model}`;
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
