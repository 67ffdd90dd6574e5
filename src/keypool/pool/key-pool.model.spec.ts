import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rateLimited } from '../../../test/support/a-pool.ts';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { unreachable } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { KeyPool } from './key-pool.ts';
import type { PoolKey } from '../key/pool-key.ts';
import type { Trial } from './trials.ts';
import { PoolExhausted, type Walker } from './walker.ts';

type Operation =
  | { readonly op: 'wait'; readonly ms: number }
  | { readonly op: 'walk'; readonly model: string }
  | { readonly op: 'next'; readonly walk: number }
  | CoolOperation
  | { readonly op: 'try'; readonly model: string }
  | { readonly op: 'tried'; readonly trial: number; readonly isServed: boolean }
  | { readonly op: 'reject'; readonly key: number; readonly model: string | null }
  | { readonly op: 'reset'; readonly key: number }
  | { readonly op: 'replace'; readonly names: readonly string[] };

interface CoolOperation {
  readonly op: 'cool';
  /** Null: every key. */
  readonly key: number | null;
  readonly forMs: number;
  readonly model: string | null;
}

type Outcome = string | { readonly kind: string; readonly afterMs: number };

/** A cooldown as one would write it down, with the moment from which a call may find out about it. */
interface SimpleCooldown {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly isGuess: boolean;
  tryFromMs: number;
}

/** A key as one would write it down: what it cools down for, and what it is rejected for. */
interface SimpleKey {
  readonly name: string;
  /** `null`: for everything. */
  readonly cooling: Map<string | null, SimpleCooldown>;
  readonly rejectedFor: Set<string | null>;
}

interface OpenTrial {
  readonly real: Trial;
  readonly simple: { readonly key: SimpleKey; readonly cooldown: SimpleCooldown };
  readonly model: string;
}

/** A walk as one would write it down: a list and a place in it. */
interface SimpleWalk {
  readonly keys: readonly SimpleKey[];
  readonly model: string;
  next: number;
}

/** The pool beside the simplest thing that could do its work, with the walks of many requests open. */
class Comparison {
  readonly outcomes: Outcome[] = [];
  readonly expected: Outcome[] = [];
  readonly #clock = new FakeClock();
  readonly #pool: KeyPool;
  #trials: readonly OpenTrial[] = [];
  readonly #walks: { readonly real: Walker; readonly simple: SimpleWalk }[] = [];
  #keys: readonly SimpleKey[];

  constructor(names: readonly string[]) {
    this.#keys = names.map(aSimpleKey);
    this.#pool = new KeyPool(names.map(aSecret), {
      provider: 'openai',
      clock: this.#clock,
      cooldownDefaultMs: 60_000,
      cooldownMaxMs: 3_600_000,
    });
  }

  run(operation: Operation): void {
    switch (operation.op) {
      case 'wait':
        return this.#clock.advanceMs(operation.ms);
      case 'walk':
        return this.#walk(operation.model);
      case 'next':
        return this.#next(operation.walk);
      case 'cool':
        return this.#cool(operation);
      case 'try':
        return this.#try(operation.model);
      case 'tried':
        return this.#tried(this.#trials[operation.trial], operation.isServed);
      case 'reject':
        return this.#reject(this.#keyAt(operation.key), operation.model);
      case 'reset':
        return this.#reset(this.#keyAt(operation.key));
      case 'replace':
        return this.#replace(operation.names);
      default:
        return unreachable(operation, 'Comparison.run');
    }
  }

  #walk(model: string): void {
    const simple = { keys: this.#keys, model, next: 0 };
    this.#walks.push({ real: this.#pool.walk(model), simple });
  }

  #next(at: number): void {
    const walk = this.#walks[at % Math.max(1, this.#walks.length)];
    if (!walk) return;
    this.outcomes.push(outcomeOf(walk.real.next()));
    this.expected.push(this.#simpleNext(walk.simple));
  }

  #cool(operation: CoolOperation): void {
    const indices = operation.key === null ? this.#keys.keys() : [operation.key];
    for (const index of indices) this.#coolOne(this.#keyAt(index), operation);
  }

  #coolOne({ real, simple }: KeyPair, { forMs, model }: CoolOperation): void {
    const verdict = rateLimited(forMs, model === null ? 'key' : 'model');
    this.#pool.mark(real, verdict, { status: 429, model: model ?? 'opus' });
    const sinceMs = this.#clock.nowMs();
    const isGuess = forMs <= 0;
    const untilMs = sinceMs + (isGuess ? 60_000 : forMs);
    // What a request without a model has met is met by all.
    const coolsFor = model === '' ? null : model;
    const met = { sinceMs, untilMs, isGuess, tryFromMs: sinceMs + 5_000 };
    const known = simple.cooling.get(coolsFor);
    if (known === undefined || isLonger(met, known)) simple.cooling.set(coolsFor, met);
  }

  #try(model: string): void {
    const real = this.#realTrial(model);
    const simple = this.#simpleTrial(model);
    this.outcomes.push(`trial of ${real === undefined ? 'none' : nameOf(real.key)}`);
    this.expected.push(`trial of ${simple?.key.name ?? 'none'}`);
    if (simple !== undefined) simple.cooldown.tryFromMs = Infinity;
    if (real && simple) this.#trials = [...this.#trials, { real, simple, model }];
  }

  #realTrial(model: string): Trial | undefined {
    const walker = this.#pool.walk(model);
    for (;;) {
      const step = walker.next();
      if (step instanceof PoolExhausted) return this.#pool.trial(step, model);
    }
  }

  #simpleTrial(model: string): OpenTrial['simple'] | undefined {
    const waits = this.#keys.map((key) => this.#waitMs(key, model));
    const soonestMs = Math.min(...waits);
    const key = this.#keys[waits.indexOf(soonestMs)];
    if (key === undefined || soonestMs === 0 || soonestMs === Infinity) return undefined;
    const cooldown = governing(key, model);
    const isDue = cooldown?.isGuess === true && this.#clock.nowMs() >= cooldown.tryFromMs;
    return isDue ? { key, cooldown } : undefined;
  }

  #tried(trial: OpenTrial | undefined, isServed: boolean): void {
    if (trial === undefined) return;
    const { real, simple, model } = trial;
    this.#trials = this.#trials.filter((each) => each !== trial);
    real.end(isServed);
    simple.cooldown.tryFromMs = this.#clock.nowMs() + 5_000;
    const { key, cooldown } = simple;
    const isRejected = key.rejectedFor.has(null) || key.rejectedFor.has(model);
    if (isServed && !isRejected && governing(key, model) === cooldown) forget(key);
  }

  #reject({ real, simple }: KeyPair, model: string | null): void {
    const scope = model === null ? 'key' : 'model';
    const verdict = { kind: 'reject', reason: 'forbidden', scope } as const;
    this.#pool.mark(real, verdict, { status: 403, model: model ?? 'opus' });
    simple.rejectedFor.add(model);
  }

  #reset({ real, simple }: KeyPair): void {
    this.#pool.reset(real.fingerprint, 'operator_reset');
    forget(simple);
  }

  #replace(names: readonly string[]): void {
    for (const trial of this.#trials) this.#tried(trial, false);
    this.#pool.replaceKeys(names.map(aSecret));
    this.#keys = names.map(
      (name) => this.#keys.find((key) => key.name === name) ?? aSimpleKey(name),
    );
    // How a walk goes on with keys that are gone has a test of its own.
    this.#walks.length = 0;
  }

  #simpleNext(walk: SimpleWalk): Outcome {
    for (const [at, key] of walk.keys.entries()) {
      if (at < walk.next || this.#waitMs(key, walk.model) > 0) continue;
      walk.next = at + 1;
      return key.name;
    }
    const afterMs = Math.min(...walk.keys.map((key) => this.#waitMs(key, walk.model)));
    return afterMs === Infinity
      ? { kind: 'permanent', afterMs: 0 }
      : { kind: 'transient', afterMs };
  }

  #waitMs(key: SimpleKey, model: string): number {
    if (key.rejectedFor.has(null) || key.rejectedFor.has(model)) return Infinity;
    return Math.max(0, (governing(key, model)?.untilMs ?? 0) - this.#clock.nowMs());
  }

  #keyAt(index: number): KeyPair {
    const at = index % this.#keys.length;
    const [real, simple] = [this.#pool.keys[at], this.#keys[at]];
    if (!real || !simple) throw new Error('the pool and its model have different keys');
    return { real, simple };
  }
}

interface KeyPair {
  readonly real: PoolKey;
  readonly simple: SimpleKey;
}

function aSimpleKey(name: string): SimpleKey {
  return { name, cooling: new Map(), rejectedFor: new Set() };
}

function forget({ cooling, rejectedFor }: SimpleKey): void {
  cooling.clear();
  rejectedFor.clear();
}

/** The longest of what counts for the model. */
function governing({ cooling }: SimpleKey, model: string): SimpleCooldown | undefined {
  const [wide, own] = [cooling.get(null), cooling.get(model)];
  return wide && own ? (isLonger(own, wide) ? own : wide) : (wide ?? own);
}

/** Of two that end together the provider's word, and then what was heard last. */
function isLonger(one: SimpleCooldown, other: SimpleCooldown): boolean {
  if (one.untilMs !== other.untilMs) return one.untilMs > other.untilMs;
  if (one.isGuess !== other.isGuess) return other.isGuess;
  return one.sinceMs > other.sinceMs;
}

function aSecret(name: string): Secret {
  return new Secret(`secret-${name}`);
}

function outcomeOf(step: PoolKey | PoolExhausted): Outcome {
  if (step instanceof PoolExhausted) return { kind: step.kind, afterMs: step.retryAfterMs };
  return nameOf(step);
}

function nameOf({ secret }: PoolKey): string {
  return secret.reveal().replace('secret-', '');
}

const index = fc.nat(20);
const model = fc.constantFrom('', 'opus', 'haiku');
const someNames = fc.oneof(
  fc.shuffledSubarray(['a', 'b', 'c', 'd', 'e', 'f'], { minLength: 1 }),
  // Few enough to be sidelined all at once.
  fc.shuffledSubarray(['a', 'b'], { minLength: 1 }),
);
const anOperation: fc.Arbitrary<Operation> = fc.oneof(
  // Wall clocks are also set back.
  fc.record({
    op: fc.constant('wait'),
    ms: fc.oneof(fc.integer({ min: -20_000, max: 90_000 }), fc.constantFrom(4_999, 5_000, 5_001)),
  }),
  { weight: 3, arbitrary: fc.record({ op: fc.constant('walk'), model }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('next'), walk: index }) },
  fc.record({
    op: fc.constant('cool'),
    key: fc.option(index),
    // The provider's word, or none; or the word that we would have guessed.
    forMs: fc.oneof(fc.integer({ min: -5_000, max: 200_000 }), fc.constantFrom(0, 60_000)),
    model: fc.option(model),
  }),
  { weight: 3, arbitrary: fc.record({ op: fc.constant('try'), model }) },
  fc.record({ op: fc.constant('tried'), trial: fc.nat(1), isServed: fc.boolean() }),
  fc.record({ op: fc.constant('reject'), key: index, model: fc.option(model) }),
  fc.record({ op: fc.constant('reset'), key: index }),
  fc.record({ op: fc.constant('replace'), names: someNames }),
);

describe('the pool under concurrent requests', () => {
  it('does what a plain list of keys would do, whatever happens in whatever order', () => {
    fc.assert(
      // By default they would be ten at most, in which little happens.
      fc.property(
        someNames,
        fc.array(anOperation, { maxLength: 80, size: 'max' }),
        (names, operations) => {
          const comparison = new Comparison(names);
          for (const operation of operations) comparison.run(operation);
          expect(comparison.outcomes).toEqual(comparison.expected);
        },
      ),
      { numRuns: 300 },
    );
  });
});
