import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aPool, rateLimited } from '../../test/support/a-pool.ts';
import { type KeyPool, PoolExhausted, type PoolKey } from '../keypool/index.ts';
import { forecast } from './key-forecast.ts';
import { KeyPatience, WaitingRoom } from './key-patience.ts';
import { type FoundKey, KeySearch } from './key-search.ts';

type Event =
  | { readonly op: 'wait'; readonly ms: number }
  | {
      readonly op: 'limit';
      readonly key: number;
      readonly forMs: number;
      readonly model: string | null;
    }
  | { readonly op: 'reject'; readonly key: number; readonly model: string | null }
  | { readonly op: 'reset'; readonly key: number }
  | { readonly op: 'call'; readonly model: string }
  | { readonly op: 'end'; readonly isServed: boolean };

const KEYS = 2;
const model = fc.constantFrom('', 'opus');
const key = fc.nat(KEYS - 1);
const anEvent: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('wait'), ms: fc.integer({ min: 0, max: 12_000 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('limit'),
      key,
      // 0: the provider has not said for how long.
      forMs: fc.oneof(
        { weight: 3, arbitrary: fc.constant(0) },
        fc.integer({ min: 1, max: 90_000 }),
      ),
      model: fc.option(model, { freq: 1 }),
    }),
  },
  fc.record({ op: fc.constant('reject'), key, model: fc.option(model) }),
  fc.record({ op: fc.constant('reset'), key }),
  { weight: 6, arbitrary: fc.record({ op: fc.constant('call'), model }) },
  fc.record({ op: fc.constant('end'), isServed: fc.boolean() }),
);

/** A pool on which calls are begun and ended, and what was foretold of each. */
function aScene({ waitMsMax = 0, keys = KEYS } = {}) {
  const scene = aPool({ keys });
  const room = new WaitingRoom({ waitMsMax, clock: scene.clock, random: () => 0 });
  const begun: FoundKey[] = [];
  /** Keys as positions: two of them are equal to whoever looks into them. */
  const at = (found: PoolKey | undefined): number | undefined =>
    found && scene.pool.keys.indexOf(found);
  const refused = ({ kind, retryAfterMs, soonest }: PoolExhausted) => ({
    refused: { kind, retryAfterMs, soonest: at(soonest) },
  });
  const call = async (of: string) => {
    const patience = new KeyPatience(room, new AbortController().signal);
    const search = new KeySearch(scene.pool, of, patience);
    const found = await search.next();
    if (found instanceof PoolExhausted) return refused(found);
    begun.push(found);
    return { key: at(found.key) };
  };
  return {
    ...scene,
    call,
    foretold: (of = '') => {
      const { next, walk, end } = forecast(scene.pool, of, room);
      const result = next === undefined && end ? refused(end.exhausted) : { key: at(next) };
      return { result, walk: walk.map(at), end };
    },
    happens: (event: Exclude<Event, { op: 'call' }>): void => {
      if (event.op === 'wait') scene.clock.advanceMs(event.ms);
      else if (event.op === 'end') begun.shift()?.end(event.isServed);
      else happensTo(scene.key(event.key), scene.pool, event);
    },
  };
}

function happensTo(
  target: PoolKey,
  pool: KeyPool,
  event: Extract<Event, { readonly key: number }>,
): void {
  if (event.op === 'reset') {
    pool.reset(target.fingerprint, 'operator_reset');
    return;
  }
  const scope = event.model === null ? 'key' : 'model';
  const asked = event.model ?? 'opus';
  if (event.op === 'limit') {
    pool.mark(target, rateLimited(event.forMs, scope), { status: 429, model: asked });
  } else {
    const verdict = { kind: 'reject', reason: 'forbidden', scope } as const;
    pool.mark(target, verdict, { status: 403, model: asked });
  }
}

describe('what is foretold of a call', () => {
  it('is what the call does, whatever has happened to the keys', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anEvent, { maxLength: 60, size: 'max' }), async (events) => {
        const { call, foretold, happens } = aScene();
        for (const event of events) {
          if (event.op !== 'call') {
            happens(event);
            continue;
          }
          const { result } = foretold(event.model);
          expect(await call(event.model)).toEqual(result);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('changes nothing, however often it is asked for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anEvent, { maxLength: 60, size: 'max' }), async (events) => {
        const [watched, alone] = [aScene(), aScene()];
        for (const event of events) {
          watched.foretold('opus');
          watched.foretold('');
          if (event.op !== 'call') {
            watched.happens(event);
            alone.happens(event);
            continue;
          }
          expect(await watched.call(event.model)).toEqual(await alone.call(event.model));
        }
        expect(watched.pool.snapshot()).toEqual(alone.pool.snapshot());
      }),
    );
  });

  it('says in what order the others would be tried', () => {
    const { foretold, cool } = aScene({ keys: 3 });
    cool(1, 60);
    expect(foretold()).toMatchObject({ result: { key: 0 }, walk: [0, 2], end: undefined });
  });

  it('says when one call may find out, and that one does', async () => {
    const { foretold, cool, call, clock } = aScene();
    for (const index of [0, 1]) cool(index, 0);
    const atMs = clock.nowMs() + 5_000;
    expect(foretold()).toMatchObject({
      result: { refused: {} },
      end: { trial: { kind: 'later', atMs } },
    });
    clock.advanceMs(5_000);
    expect(foretold()).toMatchObject({
      result: { key: 0 },
      walk: [],
      end: { trial: { kind: 'now' } },
    });
    await call('');
    expect(foretold()).toMatchObject({
      result: { refused: {} },
      end: { trial: { kind: 'under_way' } },
    });
  });

  it.each([
    ['as long as it takes', 20_000, 9_000],
    ['not at all for a key that is back later than it may wait', 8_999, 0],
    ['not at all where nobody is to wait', 0, 0],
  ])('says that it waits %s', (_, waitMsMax, waitMs) => {
    const { foretold, cool } = aScene({ waitMsMax });
    for (const index of [0, 1]) cool(index, 9 + index);
    expect(foretold().end).toMatchObject({ waitMs });
  });
});
