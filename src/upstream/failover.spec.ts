import { describe, expect, it } from 'vitest';
import { anAnswer, NO_WITNESS, plainSettings } from '../../test/support/a-call.ts';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Secret } from '../core/secret.ts';
import { KeyPool } from '../keypool/index.ts';
import type { Credential, FinishedAttempt } from './attempt.ts';
import {
  callWithFailover,
  type CallResult,
  type InspectedAnswer,
  type LogicalCall,
} from './failover.ts';
import type { Answer } from './wire/upstream-call.ts';
import { UpstreamFailure } from './wire/upstream-failure.ts';

/** What the provider does with a call: a status with headers, or a failure. */
type Reaction = { status: number; headers?: readonly string[] } | UpstreamFailure;

const OK: Reaction = { status: 200 };
const LIMITED: Reaction = { status: 429, headers: ['retry-after', '5'] };
const REJECTED: Reaction = { status: 401 };
const UNREACHABLE = new UpstreamFailure('unreachable', 'connection refused');

class Scene {
  readonly clock = new FakeClock();
  readonly tried: string[] = [];
  readonly cancelled: string[] = [];
  readonly attempts: FinishedAttempt[] = [];
  /** Keys as attempts begin, and the status of each answer as its head arrives. */
  readonly begun: string[] = [];
  readonly caller = new AbortController();
  readonly pool: KeyPool;
  retriesMax = 0;
  onTry: () => void = () => undefined;
  /** Set: how reading the beginning of an answer fails. */
  readFailure: UpstreamFailure | undefined;
  readonly #reactions: Map<string, Reaction[]>;

  constructor(reactions: Readonly<Record<string, Reaction | Reaction[]>>) {
    this.#reactions = new Map(
      Object.entries(reactions).map(([key, reaction]) => [key, [reaction].flat()]),
    );
    const secrets = [...this.#reactions.keys()].map((key) => new Secret(key));
    this.pool = new KeyPool(secrets, {
      provider: 'anthropic',
      clock: this.clock,
      cooldownDefaultMs: 60_000,
      cooldownMaxMs: 3_600_000,
    });
  }

  call(own?: string): Promise<CallResult<InspectedAnswer>> {
    const byok: Credential | undefined =
      own === undefined ? undefined : { kind: 'byok', secret: new Secret(own), scheme: 'bearer' };
    const call: LogicalCall<InspectedAnswer> = {
      route: '/v1/messages',
      model: 'claude-opus-4-5',
      byok,
      pool: this.pool,
      signal: this.caller.signal,
      send: ({ credential }) => this.#send(credential.secret.reveal()),
      inspect: (answer) => Promise.resolve({ answer, error: undefined, failure: this.readFailure }),
      nextOrdinal: () => this.tried.length + 1,
      witness: {
        attemptBegun: ({ credential }) => this.begun.push(credential.secret.reveal()),
        headArrived: (status) => this.begun.push(String(status)),
        attemptFinished: (attempt) => this.attempts.push(attempt),
        waitedForKey: () => undefined,
      },
    };
    return callWithFailover(call, {
      ...plainSettings(this.clock),
      retriesMax: this.retriesMax,
    });
  }

  get outcomes(): string[] {
    return this.attempts.map(
      ({ credential, outcome }) => `${credential.secret.reveal()} ${outcome}`,
    );
  }

  #send(key: string): Promise<Answer> {
    this.tried.push(key);
    this.onTry();
    const reactions = this.#reactions.get(key) ?? [OK];
    const reaction = reactions.length > 1 ? reactions.shift() : reactions[0];
    if (reaction === undefined || reaction instanceof UpstreamFailure) {
      return Promise.reject(reaction ?? UNREACHABLE);
    }
    const onCancel = (): unknown => this.cancelled.push(key);
    return Promise.resolve(anAnswer(reaction.status, reaction.headers, onCancel));
  }
}

describe('a walk', () => {
  it('leaves the attempt that is answered to whoever relays it', async () => {
    const scene = new Scene({ k0: OK, k1: OK });
    const result = await scene.call();
    expect(result).toMatchObject({ kind: 'answered', inspected: { answer: { status: 200 } } });
    expect(scene.tried).toEqual(['k0']);
    expect(scene.attempts).toEqual([]);
    expect(scene.cancelled).toEqual([]);
  });

  it('goes on to the next key, and frees the connection of the one that was refused', async () => {
    const scene = new Scene({ k0: LIMITED, k1: REJECTED, k2: OK });
    expect(await scene.call()).toMatchObject({ kind: 'answered' });
    expect(scene.tried).toEqual(['k0', 'k1', 'k2']);
    expect(scene.begun).toEqual(['k0', '429', 'k1', '401', 'k2', '200']);
    expect(scene.cancelled).toEqual(['k0', 'k1']);
    expect(scene.attempts).toMatchObject([
      { ordinal: 1, outcome: 'rate_limited', status: 429, cooldownMs: 5_000 },
      { ordinal: 2, outcome: 'unauthorized', status: 401, cooldownMs: null },
    ]);
  });

  it('ends with what the pool says when no key is left', async () => {
    const scene = new Scene({ k0: LIMITED, k1: REJECTED });
    expect(await scene.call()).toMatchObject({
      kind: 'exhausted',
      exhausted: { kind: 'transient', retryAfterMs: 5_000 },
    });
    expect(await scene.call()).toMatchObject({ kind: 'exhausted' });
    expect(scene.tried).toEqual(['k0', 'k1']);
  });

  it('starts anew with every call: a key that has recovered is the first again', async () => {
    const scene = new Scene({ k0: [LIMITED, OK], k1: OK });
    await scene.call();
    scene.clock.advanceMs(5_001);
    await scene.call();
    expect(scene.tried).toEqual(['k0', 'k1', 'k0']);
  });

  it('is one pass, even when a key recovers while the others are tried', async () => {
    const scene = new Scene({ k0: LIMITED, k1: LIMITED });
    scene.onTry = () => scene.clock.advanceMs(10_000);
    expect(await scene.call()).toMatchObject({
      kind: 'exhausted',
      exhausted: { kind: 'transient', retryAfterMs: 0 },
    });
    expect(scene.tried).toEqual(['k0', 'k1']);
  });

  it('makes as many calls as there are keys, and no more', async () => {
    const keys = Array.from({ length: 2_000 }, (_, index) => `key-number-${index}`);
    const scene = new Scene(Object.fromEntries(keys.map((key) => [key, LIMITED])));
    expect(await scene.call()).toMatchObject({ kind: 'exhausted' });
    expect(scene.tried).toEqual(keys);
    expect(scene.attempts).toHaveLength(keys.length);
  });
});

describe('an answer that was handed out before its first event', () => {
  const ERROR = { type: 'rate_limit_error', code: '', message: 'slow down' };

  it('marks its key when that event is an error about it', async () => {
    const scene = new Scene({ k0: OK, k1: OK });
    const result = await scene.call();
    if (result.kind === 'answered') result.openedWith(ERROR);
    expect(scene.attempts).toMatchObject([
      { outcome: 'rate_limited', status: 200, cooldownMs: 60_000, error: 'slow down' },
    ]);
    await scene.call();
    expect(scene.tried).toEqual(['k0', 'k1']);
  });

  it('leaves it as it is for any other error, and for a caller’s own', async () => {
    const scene = new Scene({ k0: OK, own: OK });
    const overloaded = { ...ERROR, type: 'overloaded_error' };
    for (const [own, error] of [
      [undefined, overloaded],
      ['own', ERROR],
    ] as const) {
      const result = await scene.call(own);
      if (result.kind === 'answered') result.openedWith(error);
    }
    expect(scene.attempts).toEqual([]);
    expect(scene.pool.snapshot().map(({ state }) => state.kind)).toEqual(['valid', 'valid']);
  });
});

describe('no other key is tried', () => {
  it.each([400, 404, 408, 409, 500, 503, 529])('for a %i', async (status) => {
    const scene = new Scene({ k0: { status }, k1: OK });
    expect(await scene.call()).toMatchObject({ kind: 'answered' });
    expect(scene.tried).toEqual(['k0']);
  });

  it.each(['unreachable', 'timeout', 'truncated'] as const)(
    'for an answer that is %s',
    async (kind) => {
      const scene = new Scene({ k0: new UpstreamFailure(kind, 'no answer'), k1: OK });
      expect(await scene.call()).toMatchObject({ kind: 'failed', failure: { kind } });
      expect(scene.tried).toEqual(['k0']);
      expect(scene.attempts).toHaveLength(1);
    },
  );

  it('after the caller has gone', async () => {
    const scene = new Scene({ k0: LIMITED, k1: OK });
    scene.onTry = () => scene.caller.abort();
    expect(await scene.call()).toMatchObject({ kind: 'failed', failure: { kind: 'aborted' } });
    expect(scene.tried).toEqual(['k0']);
    expect(scene.outcomes).toEqual(['k0 rate_limited']);
  });

  it.each([undefined, 'own'])(
    'for a caller who left before the first one, with key %s',
    async (own) => {
      const scene = new Scene({ k0: OK });
      scene.caller.abort();
      expect(await scene.call(own)).toMatchObject({ kind: 'failed', failure: { kind: 'aborted' } });
      expect(scene.tried).toEqual([]);
    },
  );

  it("for a caller's own key, which is not ours to judge", async () => {
    const scene = new Scene({ k0: OK, own: LIMITED });
    expect(await scene.call('own')).toMatchObject({
      kind: 'answered',
      inspected: { answer: { status: 429 } },
    });
    expect(scene.tried).toEqual(['own']);
    expect(scene.pool.snapshot().map(({ state }) => state.kind)).toEqual(['valid', 'valid']);
  });
});

describe('an answer of which the beginning cannot be read', () => {
  it('is judged by its status all the same', async () => {
    const scene = new Scene({ k0: LIMITED, k1: LIMITED });
    scene.readFailure = new UpstreamFailure('truncated', 'cut off');
    expect(await scene.call()).toMatchObject({ kind: 'exhausted' });
    expect(scene.outcomes).toEqual(['k0 rate_limited', 'k1 rate_limited']);
  });

  it('is a failure when the status says nothing about the key', async () => {
    const scene = new Scene({ k0: { status: 500 }, k1: OK });
    scene.readFailure = new UpstreamFailure('truncated', 'cut off');
    expect(await scene.call()).toMatchObject({
      kind: 'failed',
      failure: { kind: 'truncated' },
      status: 500,
    });
    expect(scene.outcomes).toEqual(['k0 transport_error']);
  });
});

describe('a guess about the last key is found out about', () => {
  const LIMITED_FOR_SOME_TIME: Reaction = { status: 429 };
  const ASIDE: Reaction = { status: 400 };

  it.each<[string, Reaction, string, string]>([
    ['is over when the key serves', OK, 'answered', 'valid'],
    ['holds again when the limit is met again', LIMITED_FOR_SOME_TIME, 'exhausted', 'temporary'],
    ['is left alone by an answer that does not tell', ASIDE, 'answered', 'temporary'],
    ['is left alone when no answer comes', UNREACHABLE, 'failed', 'temporary'],
  ])('by a call, and %s', async (_, reaction, kind, state) => {
    const scene = new Scene({ k0: [LIMITED_FOR_SOME_TIME, reaction] });
    await scene.call();
    scene.clock.advanceMs(5_000);
    expect(await scene.call()).toMatchObject({ kind });
    expect(scene.pool.keys[0]?.stateFor().kind).toBe(state);
    expect(scene.tried).toEqual(['k0', 'k0']);
  });
});

describe('the same key is tried again', () => {
  it('where that is configured, as often as that, each time as an attempt of its own', async () => {
    const again: Reaction = { status: 503, headers: ['retry-after-ms', '1'] };
    const scene = new Scene({ k0: [again, again, OK], k1: OK });
    scene.retriesMax = 2;
    expect(await scene.call()).toMatchObject({ inspected: { answer: { status: 200 } } });
    expect(scene.tried).toEqual(['k0', 'k0', 'k0']);
    expect(scene.cancelled).toEqual(['k0', 'k0']);
    expect(scene.attempts).toMatchObject([
      { status: 503, outcome: 'server_error' },
      { status: 503, outcome: 'server_error' },
    ]);
  });

  it('not for what is about the key: that goes on to the next', async () => {
    const scene = new Scene({ k0: LIMITED, k1: OK });
    scene.retriesMax = 2;
    await scene.call();
    expect(scene.tried).toEqual(['k0', 'k1']);
  });

  it('not when the caller goes while it is waited for', async () => {
    const scene = new Scene({ k0: UNREACHABLE });
    scene.retriesMax = 2;
    scene.onTry = () => scene.caller.abort();
    expect(await scene.call()).toMatchObject({ kind: 'failed', failure: { kind: 'aborted' } });
    expect(scene.tried).toEqual(['k0']);
  });
});

it('without a pool and without a key of the caller nobody is called', async () => {
  const scene = new Scene({ k0: OK });
  const call = {
    pool: undefined,
    route: '/v1/messages',
    model: '',
    byok: undefined,
    signal: scene.caller.signal,
    send: () => Promise.reject(UNREACHABLE),
    inspect: () => Promise.reject(UNREACHABLE),
    nextOrdinal: () => 1,
    witness: NO_WITNESS,
  };
  expect(await callWithFailover(call, plainSettings(scene.clock))).toMatchObject({
    kind: 'exhausted',
    exhausted: { kind: 'permanent' },
  });
});
