import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { Breakers, type Way } from './breakers.ts';
import type { CallHealth } from './breaker.ts';

const WAY: Way = { route: '/v1/messages', model: 'opus', credentialKind: 'centralized' };

class Scene {
  readonly clock = new FakeClock();
  readonly told: string[] = [];
  readonly breakers: Breakers;

  constructor() {
    const settings = { failures: 3, intervalMs: 10_000, timeoutMs: 15_000, probes: 1 };
    this.breakers = new Breakers(settings, this.clock, {
      breakerChanged: ({ model }, from, to) => this.told.push(`${model}: ${from} > ${to}`),
      callRefused: ({ model }) => this.told.push(`${model}: refused`),
    });
  }

  /** Whether the call was made. */
  call(health: CallHealth, way: Partial<Way> = {}): boolean {
    const entered = this.breakers.enter({ ...WAY, ...way });
    if ('refusesForMs' in entered) return false;
    entered.ended(health);
    return true;
  }

  open(way: Partial<Way> = {}): void {
    for (let count = 0; count < 3; count += 1) this.call('failed', way);
  }
}

describe('an open breaker', () => {
  it.each([
    ['the same way', {}, false],
    ['another model', { model: 'haiku' }, true],
    ['another route', { route: '/v1/messages/count_tokens' }, true],
    ['the callers that bring their own keys', { credentialKind: 'byok' }, true],
    ['calls that name no model', { model: '' }, true],
  ] as const)('of one way, for %s: %s', (_, way, isMade) => {
    const scene = new Scene();
    scene.open();
    expect(scene.call('served', way)).toBe(isMade);
  });

  it('closes nobody else’s way from within the others either', () => {
    const scene = new Scene();
    scene.open({ credentialKind: 'byok' });
    expect(scene.call('served')).toBe(true);
  });

  it('says for how long, and tells of it', () => {
    const scene = new Scene();
    scene.open();
    scene.clock.advanceMs(5_000);
    expect(scene.breakers.enter(WAY)).toEqual({ refusesForMs: 10_000 });
    expect(scene.told).toEqual(['opus: closed > open', 'opus: refused']);
    expect(scene.breakers.all).toMatchObject([
      { ...WAY, state: 'open', trips: 1, refusesForMs: 10_000 },
    ]);
  });

  it('a call that came in time may end when it is open, or closed again', () => {
    const scene = new Scene();
    const late = scene.breakers.enter(WAY);
    const later = scene.breakers.enter(WAY);
    scene.open();
    if ('ended' in late) late.ended('failed');
    scene.clock.advanceMs(15_000);
    scene.call('served');
    if ('ended' in later) later.ended('failed');
    expect(scene.breakers.all).toMatchObject([{ state: 'closed', failures: 0, trips: 1 }]);
  });
});

describe('what is remembered', () => {
  it('is nothing where all went well, or does again', () => {
    const scene = new Scene();
    scene.call('served');
    scene.call('unknown');
    expect(scene.breakers.all).toEqual([]);
    scene.call('failed');
    expect(scene.breakers.all).toMatchObject([{ state: 'closed', failures: 1, changedAtMs: null }]);
    scene.call('served');
    expect(scene.breakers.all).toEqual([]);
  });

  it('is the last change where one was open', () => {
    const scene = new Scene();
    scene.open();
    scene.clock.advanceMs(15_000);
    scene.call('served');
    const changedAtMs = scene.clock.nowMs();
    scene.clock.advanceMs(15_000);
    expect(scene.breakers.all).toMatchObject([{ state: 'closed', trips: 1, changedAtMs }]);
  });

  it('is bounded, however many models callers invent, and an open one stays', () => {
    const scene = new Scene();
    scene.open();
    for (let index = 0; index < 5_000; index += 1) scene.call('failed', { model: `m${index}` });
    expect(scene.breakers.all).toHaveLength(500);
    expect(scene.call('served')).toBe(false);
    for (let index = 0; index < 5_000; index += 1) scene.open({ model: `m${index}` });
    expect(scene.breakers.all).toHaveLength(500);
  });

  it('is a part of a name that is too long', () => {
    const scene = new Scene();
    scene.call('failed', { model: 'm'.repeat(1_000_000) });
    expect(scene.breakers.all[0]?.model).toHaveLength(256);
  });
});
