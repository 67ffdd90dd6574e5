import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { aProcess } from '../../../test/support/key-change.ts';
import { RecordedLog } from '../../../test/support/recorded-log.ts';
import { KeyProbe, type ProbeResult } from './key-probe.ts';
import { KeyRecheck } from './key-recheck.ts';
import type { PoolKey } from '../key/pool-key.ts';

const EVERY_MS = 600_000;

class FakeProbe extends KeyProbe {
  readonly probed: string[] = [];
  result: ProbeResult = 'rejected';
  /** How many were under way at the same time at most. */
  atOnceMax = 0;
  #underWay = 0;

  override async probe(_: string, { hint }: PoolKey): Promise<ProbeResult> {
    this.atOnceMax = Math.max(this.atOnceMax, (this.#underWay += 1));
    this.probed.push(hint);
    await Promise.resolve();
    this.#underWay -= 1;
    return this.result;
  }
}

function aRecheck({
  claim = () => Promise.resolve(true),
  random = () => 0.5,
  keys = 2,
}: { claim?: () => Promise<boolean>; random?: () => number; keys?: number } = {}) {
  const clock = new FakeClock();
  const process = aProcess({ keys, clock });
  const probe = new FakeProbe();
  const log = new RecordedLog();
  const recheck = new KeyRecheck({
    pools: [{ provider: 'anthropic', pool: process.pool }],
    probe,
    store: { claimCheck: claim },
    clock,
    logger: log,
    random,
    everyMs: EVERY_MS,
  });
  const lookAfter = async (ms: number): Promise<void> => {
    clock.advanceMs(ms);
    await recheck.look();
  };
  return { ...process, probe, log, recheck, lookAfter };
}

describe('probing rejected keys', () => {
  it('probes a rejected key once in an interval, and no other', async () => {
    const { reject, cool, probe, lookAfter } = aRecheck({ keys: 3 });
    reject(0);
    cool(1, 3_600_000);
    await lookAfter(0);
    await lookAfter(EVERY_MS - 1);
    expect(probe.probed).toEqual([]);
    await lookAfter(1);
    await lookAfter(EVERY_MS - 1);
    expect(probe.probed).toHaveLength(1);
    await lookAfter(1);
    expect(probe.probed).toHaveLength(2);
  });

  it.each([
    ['accepted', 'valid'],
    ['rejected', 'permanent'],
    ['unknown', 'permanent'],
  ] as const)(
    'a key that is %s is %s then, without a word above debugging',
    async (result, kind) => {
      const { reject, key, probe, log, lookAfter } = aRecheck();
      probe.result = result;
      reject(0);
      await lookAfter(0);
      await lookAfter(EVERY_MS);
      expect(key(0).stateFor().kind).toBe(kind);
      expect(log.said).toEqual([]);
    },
  );

  it('brings back a key that is sidelined for a model as one that is rejected altogether', async () => {
    const { forbid, key, probe, lookAfter } = aRecheck();
    probe.result = 'accepted';
    forbid(0, 'opus');
    await lookAfter(0);
    await lookAfter(EVERY_MS - 1);
    expect(key(0).stateFor('opus').kind).toBe('permanent');
    await lookAfter(1);
    expect(key(0).stateFor('opus').kind).toBe('valid');
    expect(probe.probed).toEqual([key(0).hint]);
  });

  // A list of models is no word about a rate limit, and bringing the key back would end that, too.
  it('waits for the end of a cooldown before it probes for a model', async () => {
    const { forbid, cool, key, probe, lookAfter } = aRecheck();
    probe.result = 'accepted';
    forbid(0, 'opus');
    cool(0, EVERY_MS + 1);
    await lookAfter(0);
    await lookAfter(EVERY_MS);
    expect(key(0).stateFor().kind).toBe('temporary');
    await lookAfter(1);
    expect(key(0).stateFor('opus').kind).toBe('valid');
    expect(probe.probed).toHaveLength(1);
  });

  it('leaves a key to the process that claimed it', async () => {
    const { reject, probe, lookAfter } = aRecheck({ claim: () => Promise.resolve(false) });
    reject(0);
    await lookAfter(0);
    await lookAfter(EVERY_MS);
    expect(probe.probed).toEqual([]);
  });

  it('probes by itself while the database is away', async () => {
    const { reject, probe, lookAfter } = aRecheck({
      claim: () => Promise.reject(new Error('no database')),
    });
    reject(0);
    await lookAfter(0);
    await lookAfter(EVERY_MS);
    expect(probe.probed).toHaveLength(1);
  });

  it('many keys are probed a few at a time', async () => {
    const { reject, probe, lookAfter } = aRecheck({ keys: 40 });
    for (let index = 0; index < 40; index++) reject(index);
    await lookAfter(0);
    await lookAfter(EVERY_MS);
    expect(probe.probed).toHaveLength(40);
    expect(probe.atOnceMax).toBeLessThanOrEqual(4);
  });

  it.each([
    [0, 0.9],
    [0.999, 1.0998],
  ])('jitter %s makes the interval %s of what it is', async (random, factor) => {
    const { reject, probe, lookAfter } = aRecheck({ random: () => random });
    reject(0);
    await lookAfter(0);
    await lookAfter(EVERY_MS * factor - 1);
    expect(probe.probed).toEqual([]);
    await lookAfter(1);
    expect(probe.probed).toHaveLength(1);
  });

  it('a key that was brought back in between starts anew when it is rejected again', async () => {
    const { reject, reset, probe, lookAfter } = aRecheck();
    reject(0);
    await lookAfter(0);
    reset(0);
    await lookAfter(EVERY_MS / 2);
    reject(0);
    await lookAfter(0);
    await lookAfter(EVERY_MS / 2);
    expect(probe.probed).toEqual([]);
  });

  it('says when it is about to, and of which keys it is not', async () => {
    const { reject, cool, forbid, key, recheck, lookAfter, clock } = aRecheck({ keys: 3 });
    const fromMs = clock.nowMs();
    reject(0);
    forbid(1, 'opus');
    cool(1, 2 * EVERY_MS);
    cool(2, 1_000);
    expect(recheck.plannedMs(key(0))).toBe(fromMs + EVERY_MS);
    await lookAfter(1_000);
    expect(recheck.plannedMs(key(0))).toBe(fromMs + 1_000 + EVERY_MS);
    expect(recheck.plannedMs(key(1))).toBe(fromMs + 2 * EVERY_MS);
    expect(recheck.plannedMs(key(2))).toBeUndefined();
  });
});
