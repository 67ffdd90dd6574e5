import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { Secret } from '../../core/secret.ts';
import { KeyPool } from './key-pool.ts';
import { type KeyRecord, mergeRecords } from '../key/key-record.ts';
import type { Cooldown, Rejection } from '../key/key-state.ts';
import type { KeyTransition } from '../key/key-transition.ts';
import type { KeyVerdict } from '../key/key-verdict.ts';
import type { PoolKey } from '../key/pool-key.ts';

const START_MS = Date.UTC(2026, 0, 1);
const SECRET = new Secret('the-only-key-of-the-pool');
const REJECTED: KeyVerdict = { kind: 'reject', reason: 'unauthorized', scope: 'key' };

/** One bridge process with a pool of one key and, perhaps, a clock that is wrong. */
function aReplica(skewMs = 0) {
  const clock = new FakeClock(START_MS + skewMs);
  const news: KeyRecord[] = [];
  const heard: KeyTransition[] = [];
  const pool = new KeyPool([SECRET], {
    provider: 'anthropic',
    clock,
    cooldownDefaultMs: 60_000,
    cooldownMaxMs: 3_600_000,
    onTransition: (transition) => {
      if (transition.origin === 'local') news.push(transition.record);
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
      pool.mark(
        key(),
        { kind: 'cool', reason: 'rate_limited', forMs, scope: 'key' },
        { status: 429 },
      ),
    reset: () => pool.reset(SECRET.fingerprint, 'operator_reset'),
    hear: (...told: readonly KeyRecord[]) => told.flatMap((each) => pool.merge(each)),
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

/** Few times, so that many meet; three resets, of which each is or is not a minute from a mark. */
const aResetTime = fc.constantFrom(0, 100_000, 130_000, 200_000);
const aTime = fc.constantFrom(90_000, 100_000, 150_000, 165_000, 195_000, 230_000, 265_000);
const aCooldown: fc.Arbitrary<Cooldown> = fc.record({
  reason: fc.constantFrom('rate_limited', 'quota_exhausted'),
  status: fc.constantFrom(402, 429),
  sinceMs: aTime,
  untilMs: aTime,
  isGuess: fc.boolean(),
});
const aRejection: fc.Arbitrary<Rejection> = fc.record({
  reason: fc.constantFrom('unauthorized', 'forbidden'),
  status: fc.constantFrom(200, 401),
  sinceMs: aTime,
});
const NOTHING_KNOWN: KeyRecord = {
  provider: 'anthropic',
  fingerprint: SECRET.fingerprint,
  hint: SECRET.hint,
  scope: null,
  resetAtMs: 0,
  cooldown: null,
  rejection: null,
};
const aRecord: fc.Arbitrary<KeyRecord> = fc
  .record({
    resetAtMs: aResetTime,
    cooldown: fc.option(aCooldown),
    rejection: fc.option(aRejection),
  })
  .map((marks) => ({ ...NOTHING_KNOWN, ...marks }));

function latestOf({ cooldown }: KeyRecord): number {
  return cooldown?.untilMs ?? 0;
}

const RUNS = { numRuns: 5_000 };

describe('merging what is known about a key', () => {
  it('gives the same whatever the order', () => {
    fc.assert(
      fc.property(aRecord, aRecord, (a, b) => {
        expect(mergeRecords(a, b)).toEqual(mergeRecords(b, a));
      }),
      RUNS,
    );
  });

  it('gives the same whatever the grouping', () => {
    fc.assert(
      fc.property(aRecord, aRecord, aRecord, (a, b, c) => {
        const [left, right] = [mergeRecords(mergeRecords(a, b), c), mergeRecords(b, c)];
        expect(left).toEqual(mergeRecords(a, right));
      }),
      RUNS,
    );
  });

  it('gives the same whatever is told again', () => {
    fc.assert(
      fc.property(aRecord, aRecord, (a, b) => {
        expect(mergeRecords(a, a)).toEqual(a);
        expect(mergeRecords(mergeRecords(a, b), b)).toEqual(mergeRecords(a, b));
      }),
      RUNS,
    );
  });

  it('is the rule of pools, and so of the store that keeps one record for all of them', () => {
    fc.assert(
      fc.property(fc.array(aRecord), (records) => {
        // At a time at which no cooldown is longer than a pool allows.
        const { hear, pool } = aReplica(Math.max(0, ...records.map(latestOf)) - START_MS);
        hear(...records);
        expect(pool.keys[0]?.record(null)).toEqual(records.reduce(mergeRecords, NOTHING_KNOWN));
      }),
    );
  });
});
