import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { Secret } from '../../core/secret.ts';
import { KeyPool } from './key-pool.ts';
import { type Cooldown, joinMarks, type KeyMarks, type Rejection } from '../key/key-state.ts';
import type { KeyTransition } from '../key/key-transition.ts';
import type { KeyVerdict } from '../key/key-verdict.ts';
import type { PoolKey } from '../key/pool-key.ts';
import { mergeShared, type SharedKeyState } from '../shared-key-state.ts';

const START_MS = Date.UTC(2026, 0, 1);
const SECRET = new Secret('the-only-key-of-the-pool');
const REJECTED: KeyVerdict = { kind: 'reject', reason: 'unauthorized', scope: 'key' };

/** One bridge process with a pool of one key and, perhaps, a clock that is wrong. */
function aReplica(skewMs = 0) {
  const clock = new FakeClock(START_MS + skewMs);
  const news: SharedKeyState[] = [];
  const heard: KeyTransition[] = [];
  const pool = new KeyPool([SECRET], {
    provider: 'anthropic',
    clock,
    cooldownDefaultMs: 60_000,
    cooldownMaxMs: 3_600_000,
    onTransition: (transition) => {
      if (transition.origin === 'local') news.push(transition.shared);
      else heard.push(transition);
    },
  });
  const key = (): PoolKey => {
    const [only] = pool.keys;
    if (!only) throw new Error('the pool is empty');
    return only;
  };
  return {
    clock,
    pool,
    news,
    heard,
    state: () => key().stateFor(),
    reject: () => pool.mark(key(), REJECTED, { status: 401 }),
    forbid: (model: string) =>
      pool.mark(
        key(),
        { kind: 'reject', reason: 'forbidden', scope: 'model' },
        { status: 403, model },
      ),
    cool: (forMs: number) =>
      pool.mark(key(), { kind: 'cool', reason: 'rate_limited', forMs }, { status: 429 }),
    reset: () => pool.reset(SECRET.fingerprint, 'operator_reset'),
    hear: (...told: readonly SharedKeyState[]) => told.flatMap((each) => pool.merge(each)),
  };
}

describe('what replicas tell one another', () => {
  it('the longer cooldown wins, whichever is heard first', () => {
    const [near, far] = [aReplica(), aReplica()];
    near.cool(10_000);
    far.cool(60_000);
    const [short, long] = [near.news, far.news];
    near.hear(...long);
    far.hear(...short);
    for (const { state } of [near, far]) {
      expect(state()).toMatchObject({ kind: 'temporary', remainingMs: 60_000 });
    }
  });

  it('a rejection wins over a cooldown', () => {
    const [one, two] = [aReplica(), aReplica()];
    one.cool(60_000);
    two.reject();
    one.hear(...two.news);
    two.hear(...one.news);
    for (const { state } of [one, two]) expect(state()).toMatchObject({ kind: 'permanent' });
  });

  it('a reset brings the key back everywhere, for every model', () => {
    const [one, two] = [aReplica(), aReplica()];
    one.reject();
    one.forbid('opus');
    two.hear(...one.news);
    two.reset();
    one.hear(...two.news);
    for (const { pool } of [one, two]) {
      expect(pool.snapshot()).toMatchObject([{ state: { kind: 'valid' }, models: [] }]);
    }
  });

  it('says what it heard, and never as news of its own', () => {
    const [one, two] = [aReplica(), aReplica()];
    one.cool(60_000);
    expect(two.hear(...one.news)).toMatchObject([
      { origin: 'remote', status: 429, reason: 'rate_limited', cooldownMs: 60_000 },
    ]);
    expect(two.news).toEqual([]);
    expect(two.hear(...one.news)).toEqual([]);
  });

  it('shares a longer cooldown and the reset of a valid key, though neither is a change of state', () => {
    const [one, two] = [aReplica(), aReplica()];
    one.cool(10_000);
    one.cool(60_000);
    two.hear(...one.news);
    expect(two.state()).toMatchObject({ remainingMs: 60_000 });
    expect(aReplica().reset()).toMatchObject([{ isStateChange: false, reason: 'operator_reset' }]);
  });

  it('ignores a key that it does not have', () => {
    const one = aReplica();
    one.reject();
    const [told] = one.news;
    expect(told && aReplica().pool.merge({ ...told, fingerprint: 'ffffffffffff' })).toEqual([]);
    expect(one.pool.reset('ffffffffffff', 'operator_reset')).toEqual([]);
  });
});

describe('replicas whose clocks disagree by up to a minute', () => {
  // An operator resets a key on a replica that has not yet heard that it was rejected.
  it.each([-60_000, 0, 60_000])(
    'a rejection on its way when a key is reset is forgotten (clock off by %s ms)',
    (skewMs) => {
      const [rejecting, resetting] = [aReplica(skewMs), aReplica()];
      rejecting.reject();
      resetting.reset();
      resetting.hear(...rejecting.news);
      rejecting.hear(...resetting.news);
      for (const { state } of [rejecting, resetting]) expect(state()).toEqual({ kind: 'valid' });
    },
  );

  it.each([-60_000, 0, 60_000])(
    'a rejection made in knowledge of the reset counts (clock off by %s ms)',
    (skewMs) => {
      const [rejecting, resetting] = [aReplica(skewMs), aReplica()];
      resetting.reset();
      rejecting.hear(...resetting.news);
      rejecting.clock.advanceMs(1_000);
      rejecting.reject();
      resetting.hear(...rejecting.news);
      expect(resetting.state()).toMatchObject({ kind: 'permanent' });
    },
  );

  it.each([-60_000, 0, 60_000])(
    'a reset made in knowledge of the rejection counts (clock off by %s ms)',
    (skewMs) => {
      const [rejecting, resetting] = [aReplica(), aReplica(skewMs)];
      rejecting.reject();
      resetting.hear(...rejecting.news);
      resetting.reset();
      rejecting.hear(...resetting.news);
      resetting.hear(...rejecting.news);
      for (const { state } of [rejecting, resetting]) expect(state()).toEqual({ kind: 'valid' });
    },
  );

  it('the later of two resets counts, though it was made by the slower clock', () => {
    const [slow, fast] = [aReplica(-60_000), aReplica(60_000)];
    fast.reset();
    slow.hear(...fast.news);
    slow.reject();
    fast.hear(...slow.news);
    slow.reset();
    fast.hear(...slow.news);
    for (const { state } of [slow, fast]) expect(state()).toEqual({ kind: 'valid' });
  });

  it('a rejection by one that never heard of the reset counts when it is later by more than a minute', () => {
    const [cutOff, resetting] = [aReplica(), aReplica()];
    resetting.reset();
    cutOff.clock.advanceMs(60_001);
    cutOff.reject();
    resetting.hear(...cutOff.news);
    expect(resetting.state()).toMatchObject({ kind: 'permanent' });
    cutOff.hear(...resetting.news);
    expect(cutOff.state()).toMatchObject({ kind: 'permanent' });
  });

  it('a clock that is a day ahead neither sidelines a key for a day nor resists a reset', () => {
    const [ahead, right] = [aReplica(86_400_000), aReplica()];
    ahead.cool(60_000);
    ahead.reject();
    right.hear(...ahead.news);
    expect(right.state()).toMatchObject({ kind: 'permanent' });
    right.reset();
    ahead.hear(...right.news);
    expect([right.state(), ahead.state()]).toEqual([{ kind: 'valid' }, { kind: 'valid' }]);

    const other = aReplica();
    other.hear(...ahead.news.slice(0, 1));
    expect(other.state()).toMatchObject({ kind: 'temporary', remainingMs: 3_600_000 });
  });
});

const time = fc.integer({ min: 0, max: 20 });
const aCooldown: fc.Arbitrary<Cooldown> = fc.record({
  reason: fc.constantFrom('rate_limited', 'quota_exhausted'),
  status: fc.constantFrom(402, 429),
  sinceMs: time,
  untilMs: time,
});
const aRejection: fc.Arbitrary<Rejection> = fc.record({
  reason: fc.constantFrom('unauthorized', 'forbidden'),
  status: fc.constantFrom(200, 401),
  sinceMs: time,
});
const someMarks: fc.Arbitrary<KeyMarks> = fc.record({
  cooldown: fc.option(aCooldown),
  rejection: fc.option(aRejection),
});

describe('adding up marks', () => {
  it('gives the same whatever the order, the grouping and the repetitions', () => {
    fc.assert(
      fc.property(someMarks, someMarks, someMarks, (a, b, c) => {
        expect(joinMarks(a, b)).toEqual(joinMarks(b, a));
        expect(joinMarks(joinMarks(a, b), c)).toEqual(joinMarks(a, joinMarks(b, c)));
        expect(joinMarks(a, a)).toEqual(a);
      }),
    );
  });
});

describe('a store that keeps one record for all replicas', () => {
  const minutes = fc.integer({ min: 0, max: 4 }).map((minute) => minute * 40_000);
  const aRecord: fc.Arbitrary<SharedKeyState> = fc
    .record({ marks: someMarks, resetAtMs: minutes, laterMs: minutes })
    .map(({ marks: { cooldown, rejection }, resetAtMs, laterMs }) => ({
      fingerprint: SECRET.fingerprint,
      scope: null,
      resetAtMs,
      cooldown: cooldown && { ...cooldown, sinceMs: cooldown.sinceMs + laterMs },
      rejection: rejection && { ...rejection, sinceMs: rejection.sinceMs + laterMs },
    }));

  it('merges by the rule that pools merge by', () => {
    fc.assert(
      fc.property(aRecord, aRecord, (one, two) => {
        const { hear, pool } = aReplica();
        hear(one, two);
        const merged = mergeShared(mergeShared(NOTHING_KNOWN, one), two);
        expect(pool.keys[0]?.shared(null)).toEqual(merged);
        expect(mergeShared(merged, two)).toEqual(merged);
      }),
    );
  });

  const NOTHING_KNOWN: SharedKeyState = {
    fingerprint: SECRET.fingerprint,
    scope: null,
    resetAtMs: 0,
    cooldown: null,
    rejection: null,
  };
});
