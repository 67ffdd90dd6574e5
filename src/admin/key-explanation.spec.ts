import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aProcess } from '../../test/support/key-change.ts';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { PoolExhausted } from '../keypool/index.ts';
import { Breakers, type Way } from '../upstream/breaker/breakers.ts';
import { WaitingRoom } from '../upstream/key-patience.ts';
import { keyExplanation } from './key-explanation.ts';
import { keyExplanationSchema } from './key-explanation-shape.ts';

const START_MS = Date.UTC(2026, 10, 22);
const QUOTA = { kind: 'cool', reason: 'quota_exhausted', forMs: 1, scope: 'key' } as const;

function aProvider({ keys = 2, waitMsMax = 0 } = {}) {
  const clock = new FakeClock(START_MS);
  const process = aProcess({ keys, clock });
  const waitingRoom = new WaitingRoom({ waitMsMax, clock, random: () => 0 });
  const breaking = { failures: 1, intervalMs: 10_000, timeoutMs: 15_000, probes: 1 };
  const witness = { breakerChanged: () => undefined, callRefused: () => undefined };
  const breakers = new Breakers(breaking, clock, witness);
  const provider = {
    name: 'anthropic',
    type: 'anthropic',
    pool: process.pool,
    failover: { waitingRoom, breakers },
  };
  return {
    ...process,
    clock,
    provider,
    /** Opens the breaker of a way. */
    fail: (way: Way) => {
      const call = breakers.enter(way);
      if ('ended' in call) call.ended('failed');
    },
    explained: (model?: string) => {
      const answer = keyExplanation(provider, model, ({ fingerprint }) =>
        fingerprint === process.key(0).fingerprint ? START_MS + 600_000 : undefined,
      );
      return keyExplanationSchema.parse(answer);
    },
  };
}

function at(ms: number): string {
  return new Date(START_MS + ms).toISOString();
}

describe('an explanation', () => {
  it('names the key that is next, and those after it', () => {
    const { explained, key } = aProvider();
    const { hint, fingerprint } = key(0);
    expect(explained('opus')).toMatchObject({
      provider: 'anthropic',
      model: 'opus',
      hasPool: true,
      next: { position: 0, hint, fingerprint },
      keys: [
        { plan: 'next', state: 'valid', sidelinedFor: null, endNamedBy: null, trial: null },
        { plan: 'later', state: 'valid' },
      ],
      refusal: null,
      refusedRoutes: [],
      otherModels: [],
    });
  });

  it('says where calls are refused whatever the keys, until they would be let through', () => {
    const { explained, fail, clock } = aProvider();
    const way = { route: '/v1/messages', model: 'opus', credentialKind: 'centralized' } as const;
    fail(way);
    fail({ ...way, route: '/v1/messages/count_tokens', credentialKind: 'byok' });
    clock.advanceMs(500);
    const refusedRoutes = [{ route: '/v1/messages', retryAfterSeconds: 15 }];
    expect(explained('opus')).toMatchObject({ next: { position: 0 }, refusedRoutes });
    expect(explained('haiku')).toMatchObject({ refusedRoutes: [] });
    expect(explained()).toMatchObject({ refusedRoutes: [] });
    clock.advanceMs(14_500);
    expect(explained('opus')).toMatchObject({ refusedRoutes: [] });
  });

  it('says why a key is passed over, for what, until when and on whose word', () => {
    const { explained, cool, drill, pool, key } = aProvider({ keys: 5 });
    cool(0, 30_000, 'opus');
    cool(1, 0);
    pool.mark(key(2), QUOTA, { status: 402 });
    drill(3, 20_000, 'opus');
    const limited = { plan: 'passed_over', state: 'temporary', since: at(0) };
    expect(explained('opus')).toMatchObject({
      next: { position: 4 },
      keys: [
        { ...limited, sidelinedFor: 'model', coolingUntil: at(30_000), endNamedBy: 'provider' },
        { ...limited, sidelinedFor: 'everything', coolingUntil: at(60_000), endNamedBy: 'bridge' },
        { ...limited, reason: 'quota_exhausted', status: 402, endNamedBy: 'bridge' },
        { ...limited, reason: 'drill', sidelinedFor: 'model', endNamedBy: 'operator' },
        { plan: 'next' },
      ],
    });
    expect(explained('haiku')).toMatchObject({ next: { position: 0 }, otherModels: ['opus'] });
  });

  it.each([
    [10_000, 20_000, 'model'],
    [20_000, 10_000, 'everything'],
    [10_000, 10_000, 'everything'],
  ])(
    'a key that cools down %i ms for all and %i ms for the model is sidelined for the %s',
    (forAllMs, forModelMs, sidelinedFor) => {
      const { explained, cool } = aProvider();
      cool(0, forAllMs);
      cool(0, forModelMs, 'opus');
      expect(explained('opus').keys[0]).toMatchObject({ sidelinedFor });
    },
  );

  it('says when a rejected key is probed, and that callers are told 502', () => {
    const { explained, reject, forbid } = aProvider();
    reject(0);
    forbid(1, 'opus');
    expect(explained('opus')).toMatchObject({
      next: null,
      keys: [
        {
          state: 'permanent',
          reason: 'unauthorized',
          status: 401,
          sidelinedFor: 'everything',
          since: at(0),
          coolingUntil: null,
          probeAt: at(600_000),
        },
        { reason: 'forbidden', sidelinedFor: 'model', probeAt: null },
      ],
      refusal: { status: 502, error: 'keys_rejected', retryAfterSeconds: null, waitMs: 0 },
    });
  });

  it('says what callers are told, when one may find out, and how long one waits', () => {
    const { explained, cool, clock } = aProvider({ waitMsMax: 60_000 });
    cool(0, 0);
    cool(1, 90_000);
    const refusal = { status: 429, error: 'keys_rate_limited' };
    expect(explained()).toMatchObject({
      model: null,
      next: null,
      keys: [{ trial: { when: 'later', at: at(5_000) } }, { trial: null }],
      refusal: { ...refusal, retryAfterSeconds: 60, waitMs: 60_000 },
    });
    clock.advanceMs(5_001);
    expect(explained()).toMatchObject({
      next: { position: 0 },
      keys: [
        { plan: 'next', state: 'temporary', trial: { when: 'now', at: null } },
        { plan: 'passed_over' },
      ],
      refusal: { ...refusal, retryAfterSeconds: 55, waitMs: 54_999 },
    });
  });

  it('says that callers bring their own keys where there is no pool', () => {
    const { provider } = aProvider();
    const answer = keyExplanation({ ...provider, pool: undefined }, undefined, () => undefined);
    expect(keyExplanationSchema.parse(answer)).toMatchObject({
      hasPool: false,
      next: null,
      keys: [],
      refusal: { status: 401, error: 'no_credential' },
    });
  });

  it('shows nothing of a key but hint and fingerprint', () => {
    const { explained, key, cool } = aProvider();
    cool(0, 0);
    expect(JSON.stringify(explained())).not.toContain(key(0).secret.reveal());
  });

  it('names the keys that a walk comes by, in its order, whatever is held against them', () => {
    const aMark = fc.tuple(
      fc.nat(3),
      fc.constantFrom('cool', 'reject', 'forbid', 'drill', 'reset'),
      fc.nat(90_000),
    );
    fc.assert(
      fc.property(fc.array(aMark, { maxLength: 12 }), fc.nat(60_000), (marks, laterMs) => {
        const { explained, pool, clock, ...does } = aProvider({ keys: 4 });
        for (const [index, mark, ms] of marks) {
          if (mark === 'cool') does.cool(index, ms, ms % 2 === 0 ? 'opus' : undefined);
          else if (mark === 'drill') does.drill(index, ms);
          else if (mark === 'forbid') does.forbid(index, ms % 2 === 0 ? 'opus' : 'haiku');
          else does[mark](index);
        }
        clock.advanceMs(laterMs);
        const walker = pool.walk('opus');
        const walked: string[] = [];
        for (let key = walker.next(); !(key instanceof PoolExhausted); key = walker.next()) {
          walked.push(key.fingerprint);
        }
        const { next, keys } = explained('opus');
        const named = keys.filter(({ plan, trial }) => plan !== 'passed_over' && trial === null);
        expect(named.map(({ fingerprint }) => fingerprint)).toEqual(walked);
        const [first] = walked;
        expect(first === undefined || next?.fingerprint === first).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
