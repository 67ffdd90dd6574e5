import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rateLimited } from '../../../test/support/a-pool.ts';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { unreachable } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { KeyPool } from './key-pool.ts';
import type { PoolKey } from '../key/pool-key.ts';
import { PoolExhausted, type Walker } from './walker.ts';

type Operation =
  | { readonly op: 'wait'; readonly ms: number }
  | { readonly op: 'walk'; readonly model: string }
  | { readonly op: 'next'; readonly walk: number }
  | CoolOperation
  | { readonly op: 'reject'; readonly key: number; readonly model: string | null }
  | { readonly op: 'reset'; readonly key: number }
  | { readonly op: 'replace'; readonly names: readonly string[] };

interface CoolOperation {
  readonly op: 'cool';
  readonly key: number;
  readonly forMs: number;
  readonly model: string | null;
}

type Outcome = string | { readonly kind: string; readonly afterMs: number };

/** A key as one would write it down: when it cools until, and what it is rejected for. */
interface SimpleKey {
  readonly name: string;
  /** For what until when; `null`: for everything. */
  readonly coolUntilMs: Map<string | null, number>;
  readonly rejectedFor: Set<string | null>;
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
        return this.#cool(this.#keyAt(operation.key), operation);
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

  #cool({ real, simple }: KeyPair, { forMs, model }: CoolOperation): void {
    const verdict = rateLimited(forMs, model === null ? 'key' : 'model');
    this.#pool.mark(real, verdict, { status: 429, model: model ?? 'opus' });
    const untilMs = this.#clock.nowMs() + (forMs > 0 ? forMs : 60_000);
    // What a request without a model has met is met by all.
    const coolsFor = model === '' ? null : model;
    simple.coolUntilMs.set(coolsFor, Math.max(simple.coolUntilMs.get(coolsFor) ?? 0, untilMs));
  }

  #reject({ real, simple }: KeyPair, model: string | null): void {
    const scope = model === null ? 'key' : 'model';
    const verdict = { kind: 'reject', reason: 'forbidden', scope } as const;
    this.#pool.mark(real, verdict, { status: 403, model: model ?? 'opus' });
    simple.rejectedFor.add(model);
  }

  #reset({ real, simple }: KeyPair): void {
    this.#pool.reset(real.fingerprint, 'operator_reset');
    simple.coolUntilMs.clear();
    simple.rejectedFor.clear();
  }

  #replace(names: readonly string[]): void {
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
    const untilMs = [null, model].map((scope) => key.coolUntilMs.get(scope) ?? 0);
    return Math.max(0, Math.max(...untilMs) - this.#clock.nowMs());
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
  return { name, coolUntilMs: new Map(), rejectedFor: new Set() };
}

function aSecret(name: string): Secret {
  return new Secret(`secret-${name}`);
}

function outcomeOf(step: PoolKey | PoolExhausted): Outcome {
  if (step instanceof PoolExhausted) return { kind: step.kind, afterMs: step.retryAfterMs };
  return step.secret.reveal().replace('secret-', '');
}

const index = fc.nat(20);
const model = fc.constantFrom('', 'opus', 'haiku');
const someNames = fc.shuffledSubarray(['a', 'b', 'c', 'd', 'e', 'f'], { minLength: 1 });
const anOperation: fc.Arbitrary<Operation> = fc.oneof(
  // Wall clocks are also set back.
  fc.record({ op: fc.constant('wait'), ms: fc.integer({ min: -20_000, max: 90_000 }) }),
  { weight: 3, arbitrary: fc.record({ op: fc.constant('walk'), model }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('next'), walk: index }) },
  fc.record({
    op: fc.constant('cool'),
    key: index,
    forMs: fc.integer({ min: -5_000, max: 200_000 }),
    model: fc.option(model),
  }),
  fc.record({ op: fc.constant('reject'), key: index, model: fc.option(model) }),
  fc.record({ op: fc.constant('reset'), key: index }),
  fc.record({ op: fc.constant('replace'), names: someNames }),
);

describe('the pool under concurrent requests', () => {
  it('does what a plain list of keys would do, whatever happens in whatever order', () => {
    fc.assert(
      fc.property(someNames, fc.array(anOperation, { maxLength: 80 }), (names, operations) => {
        const comparison = new Comparison(names);
        for (const operation of operations) comparison.run(operation);
        expect(comparison.outcomes).toEqual(comparison.expected);
      }),
      { numRuns: 300 },
    );
  });
});
