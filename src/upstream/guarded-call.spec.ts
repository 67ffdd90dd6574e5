import { describe, expect, it } from 'vitest';
import {
  anAnswer,
  NO_BREAKER_WITNESS,
  NO_WITNESS,
  plainSettings,
} from '../../test/support/a-call.ts';
import { aPool } from '../../test/support/a-pool.ts';
import type { FakeClock } from '../../test/support/fake-clock.ts';
import { Secret } from '../core/secret.ts';
import type { KeyPool } from '../keypool/index.ts';
import type { UpstreamError } from '../providers/index.ts';
import type { Credential } from './attempt.ts';
import { Breakers } from './breaker/breakers.ts';
import type { InspectedAnswer, LogicalCall } from './failover.ts';
import { callBehindBreaker, type RelayedEnd } from './guarded-call.ts';
import { abortedBy } from './wire/call-bound.ts';
import { UpstreamFailure } from './wire/upstream-failure.ts';

type Reaction = { status: number; error?: UpstreamError } | UpstreamFailure['kind'];

const OWN: Credential = { kind: 'byok', secret: new Secret('sk-own'), scheme: 'x-api-key' };
const OVERLOADED = anError('overloaded_error');

class Scene {
  readonly clock: FakeClock;
  readonly caller = new AbortController();
  readonly pool: KeyPool;
  readonly breakers: Breakers;
  sent = 0;
  renewals = 0;

  constructor({ keys = 3 } = {}) {
    const { clock, pool } = aPool({ keys });
    this.clock = clock;
    this.pool = pool;
    const settings = { failures: 1, intervalMs: 10_000, timeoutMs: 15_000, probes: 1 };
    this.breakers = new Breakers(settings, clock, NO_BREAKER_WITNESS);
  }

  call(reaction: Reaction, { byok }: { byok?: Credential } = {}) {
    const call: LogicalCall<InspectedAnswer> = {
      route: '/v1/messages',
      model: 'opus',
      byok,
      pool: this.pool,
      signal: this.caller.signal,
      send: () => {
        this.sent += 1;
        if (typeof reaction === 'string') return Promise.reject(this.#failure(reaction));
        return Promise.resolve(anAnswer(reaction.status));
      },
      inspect: (answer) =>
        Promise.resolve({
          answer,
          error: typeof reaction === 'string' ? undefined : reaction.error,
          failure: undefined,
        }),
      nextOrdinal: () => this.sent + 1,
      witness: NO_WITNESS,
    };
    const renewal = { run: () => Promise.resolve(void (this.renewals += 1)) };
    const { clock, breakers } = this;
    return callBehindBreaker(call, { ...plainSettings(clock), renewal, breakers });
  }

  async relayed(end: RelayedEnd, reaction: Reaction = { status: 200 }): Promise<void> {
    const result = await this.call(reaction);
    if (result.kind !== 'answered') throw new Error(result.kind);
    result.relayed(end);
  }

  get isOpen(): boolean {
    return this.breakers.all.some(({ state }) => state === 'open');
  }

  #failure(kind: UpstreamFailure['kind']): UpstreamFailure {
    if (kind !== 'aborted') return new UpstreamFailure(kind, kind);
    this.caller.abort();
    return abortedBy(this.caller.signal);
  }
}

describe('what opens a breaker', () => {
  it.each<[string, Reaction, boolean]>([
    ['a connection that is refused', 'unreachable', true],
    ['a timeout', 'timeout', true],
    ['an answer that is cut off', 'truncated', true],
    ['what is no answer', 'malformed', true],
    ['a caller that goes away', 'aborted', false],
    ['500', { status: 500 }, true],
    ['503', { status: 503 }, true],
    ['529', { status: 529 }, true],
    ['an overload as the first event', { status: 200, error: OVERLOADED }, true],
    ['an error of a kind that nobody knows, as the first event', unknownFirst(), false],
    ['400', { status: 400 }, false],
    ['404', { status: 404 }, false],
    ['401 of every key', { status: 401 }, false],
    ['429 of every key', { status: 429 }, false],
    [
      '500 that says the credit is used up',
      { status: 500, error: anError('billing_error') },
      false,
    ],
  ])('%s: %o', async (_, reaction, opens) => {
    const scene = new Scene();
    await scene.call(reaction);
    expect(scene.isOpen).toBe(opens);
  });

  it.each<[string, RelayedEnd, boolean]>([
    ['its end', { kind: 'complete', error: undefined }, false],
    ['an overload, and its end', { kind: 'complete', error: OVERLOADED }, true],
    ['an overload, at which the caller leaves', { kind: 'caller_left', error: OVERLOADED }, true],
    ['an error of a kind that nobody knows', { kind: 'complete', error: anError('odd') }, false],
    ['a limit of the key', { kind: 'complete', error: anError('rate_limit_error') }, false],
    ['a caller that leaves', { kind: 'caller_left', error: undefined }, false],
    ['a break', { kind: 'upstream_failed', error: undefined }, true],
  ])('a stream that comes to %s: %o', async (_, end, opens) => {
    const scene = new Scene();
    await scene.relayed(end);
    expect(scene.isOpen).toBe(opens);
  });

  it('is not a call that took longer than the bridge lets a call take', async () => {
    const scene = new Scene();
    const result = await scene.call({ status: 200 });
    scene.caller.abort(new UpstreamFailure('timeout', 'too long'));
    if (result.kind === 'answered') result.relayed({ kind: 'upstream_failed', error: undefined });
    expect(scene.isOpen).toBe(false);
  });

  it.each([401, 402, 403, 429])('is not %i for a caller with a key of its own', async (status) => {
    const scene = new Scene();
    await scene.call({ status }, { byok: OWN });
    expect(scene.isOpen).toBe(false);
  });

  it('is a failing provider for callers with keys of their own, and only for them', async () => {
    const scene = new Scene();
    await scene.call({ status: 503 }, { byok: OWN });
    expect(await scene.call({ status: 200 }, { byok: OWN })).toMatchObject({
      kind: 'breaker_open',
    });
    expect(await scene.call({ status: 200 })).toMatchObject({ kind: 'answered' });
  });
});

it('while it is open nobody is called and no key is looked at', async () => {
  const scene = new Scene();
  await scene.call({ status: 529 });
  expect(await scene.call({ status: 429 })).toEqual({ kind: 'breaker_open', refusesForMs: 15_000 });
  expect(scene.sent).toBe(1);
  expect(scene.renewals).toBe(1);
  expect(scene.pool.snapshot().every(({ state }) => state.kind === 'valid')).toBe(true);
});

it('what the bridge answers of its own is no news of the provider', async () => {
  const scene = new Scene({ keys: 1 });
  await scene.call({ status: 429 });
  for (let count = 0; count < 20; count += 1) {
    expect(await scene.call({ status: 200 })).toMatchObject({ kind: 'exhausted' });
  }
  expect(scene.breakers.all).toEqual([]);
});

it('a probe that finds no key leaves its place to the next', async () => {
  const scene = new Scene({ keys: 1 });
  await scene.call({ status: 503 });
  scene.pool.mark(
    scene.pool.keys[0] ?? missing(),
    { kind: 'cool', reason: 'rate_limited', forMs: 16_000, scope: 'key' },
    { status: 429 },
  );
  scene.clock.advanceMs(15_000);
  expect(await scene.call({ status: 200 })).toMatchObject({ kind: 'exhausted' });
  scene.clock.advanceMs(1_001);
  expect(await scene.call({ status: 200 })).toMatchObject({ kind: 'answered' });
});

it('a fault of ours gives the place of a probe back, and is thrown', async () => {
  const scene = new Scene();
  await scene.call({ status: 503 });
  scene.clock.advanceMs(15_000);
  Object.defineProperty(scene.pool, 'walk', { value: missing, configurable: true });
  await expect(scene.call({ status: 200 })).rejects.toThrow('missing');
  Reflect.deleteProperty(scene.pool, 'walk');
  expect(await scene.call({ status: 200 })).toMatchObject({ kind: 'answered' });
});

function anError(type: string): UpstreamError {
  return { type, code: '', message: '' };
}

function unknownFirst(): Reaction {
  return { status: 200, error: anError('odd') };
}

function missing(): never {
  throw new Error('missing');
}
