import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { Breaker, type BreakerSettings, type CallHealth, type Passage } from './breaker.ts';

const SETTINGS: BreakerSettings = { failures: 3, intervalMs: 10_000, timeoutMs: 15_000, probes: 2 };

class Scene {
  readonly clock = new FakeClock();
  readonly changes: string[] = [];
  readonly breaker: Breaker;

  constructor(settings: Partial<BreakerSettings> = {}) {
    this.breaker = new Breaker({ ...SETTINGS, ...settings }, this.clock, (from, to) =>
      this.changes.push(`${from} > ${to}`),
    );
  }

  enter(): Passage {
    const passage = this.breaker.enter();
    if (passage === undefined) throw new Error('the call was refused');
    return passage;
  }

  get isRefusing(): boolean {
    return this.breaker.enter() === undefined;
  }

  calls(...healths: readonly CallHealth[]): void {
    for (const health of healths) this.breaker.ended(this.enter(), health);
  }

  open(): void {
    this.calls('failed', 'failed', 'failed');
  }

  halfOpen(): Passage {
    this.open();
    this.clock.advanceMs(15_000);
    return this.enter();
  }
}

describe('closed', () => {
  it.each([
    ['too few failures', ['failed', 'failed'], 'closed'],
    ['enough in a row', ['failed', 'failed', 'failed'], 'open'],
    ['one that is served between', ['failed', 'failed', 'served', 'failed', 'failed'], 'closed'],
    ['one that shows nothing between', ['failed', 'unknown', 'failed', 'failed'], 'open'],
    ['nothing but calls that show nothing', ['unknown', 'unknown', 'unknown'], 'closed'],
  ] as const)('%s', (_, healths, state) => {
    const scene = new Scene();
    scene.calls(...healths);
    expect(scene.breaker.state).toBe(state);
  });

  it.each([
    [4_999, 'open'],
    [5_000, 'closed'],
  ])('failures that lie two times %i ms apart leave it %s', (ms, state) => {
    const scene = new Scene();
    scene.calls('failed');
    scene.clock.advanceMs(ms);
    scene.calls('failed');
    scene.clock.advanceMs(ms);
    scene.calls('failed');
    expect(scene.breaker.state).toBe(state);
  });

  it('counts what comes back, in the order in which it does', () => {
    const scene = new Scene();
    const served = scene.enter();
    const failed = [scene.enter(), scene.enter()];
    for (const passage of failed) scene.breaker.ended(passage, 'failed');
    expect(scene.breaker.failures).toBe(2);
    scene.breaker.ended(served, 'served');
    expect(scene.breaker.failures).toBe(0);
  });

  it('an answer that has begun is no proof yet that it comes to its end', () => {
    const scene = new Scene();
    for (let count = 0; count < 3; count += 1) {
      const passage = scene.enter();
      scene.breaker.answering(passage);
      scene.breaker.ended(passage, 'failed');
    }
    expect(scene.breaker.state).toBe('open');
  });
});

describe('open', () => {
  it('refuses until its time is over, and says for how long', () => {
    const scene = new Scene();
    scene.open();
    expect(scene.breaker.refusesForMs).toBe(15_000);
    scene.clock.advanceMs(14_999);
    expect(scene.isRefusing).toBe(true);
    expect(scene.breaker.refusesForMs).toBe(1);
    scene.clock.advanceMs(1);
    expect(scene.breaker.refusesForMs).toBe(0);
    expect(scene.isRefusing).toBe(false);
    expect(scene.changes).toEqual(['closed > open', 'open > half_open']);
  });

  it.each(['failed', 'served', 'unknown'] as const)(
    'a call from before that ends %s changes nothing, now or later',
    (health) => {
      const scene = new Scene();
      const early = scene.enter();
      const earlier = scene.enter();
      scene.open();
      scene.breaker.ended(early, health);
      expect(scene.breaker.state).toBe('open');
      scene.clock.advanceMs(15_000);
      scene.enter();
      scene.breaker.answering(earlier);
      scene.breaker.ended(earlier, health);
      expect(scene.breaker.state).toBe('half_open');
    },
  );
});

describe('half open', () => {
  it('lets so many through and no more', () => {
    const scene = new Scene();
    scene.halfOpen();
    expect(scene.isRefusing).toBe(false);
    expect(scene.isRefusing).toBe(true);
    expect(scene.breaker.refusesForMs).toBe(15_000);
  });

  it('closes when enough have come through, be they at their end or not', () => {
    const scene = new Scene();
    const first = scene.halfOpen();
    scene.breaker.ended(first, 'served');
    expect(scene.breaker.state).toBe('half_open');
    scene.breaker.answering(scene.enter());
    expect(scene.breaker.state).toBe('closed');
    expect(scene.changes.at(-1)).toBe('half_open > closed');
  });

  it('counts a call once', () => {
    const scene = new Scene();
    const first = scene.halfOpen();
    scene.breaker.answering(first);
    scene.breaker.answering(first);
    scene.breaker.ended(first, 'served');
    expect(scene.breaker.state).toBe('half_open');
  });

  it.each([false, true])('one failure opens it again (after its answer began: %s)', (began) => {
    const scene = new Scene();
    const first = scene.halfOpen();
    if (began) scene.breaker.answering(first);
    scene.breaker.ended(first, 'failed');
    expect(scene.breaker.state).toBe('open');
    expect(scene.breaker.refusesForMs).toBe(15_000);
  });

  it('a call that shows nothing gives its place back', () => {
    const scene = new Scene();
    const first = scene.halfOpen();
    scene.enter();
    expect(scene.isRefusing).toBe(true);
    scene.breaker.ended(first, 'unknown');
    scene.enter();
    expect(scene.isRefusing).toBe(true);
  });

  it('probes that stay out are no reason to refuse everybody for longer', () => {
    const scene = new Scene();
    const slow = [scene.halfOpen(), scene.enter()];
    scene.clock.advanceMs(15_000);
    scene.enter();
    scene.enter();
    expect(scene.isRefusing).toBe(true);
    for (const passage of slow) scene.breaker.ended(passage, 'served');
    expect(scene.breaker.state).toBe('closed');
  });

  it('probes of before that show nothing make no room for more than that', () => {
    const scene = new Scene();
    const slow = [scene.halfOpen(), scene.enter()];
    scene.clock.advanceMs(15_000);
    const now = scene.enter();
    for (const passage of [...slow, now]) scene.breaker.ended(passage, 'unknown');
    scene.enter();
    scene.enter();
    expect(scene.isRefusing).toBe(true);
  });
});

it('a flapping provider: opens, probes, opens, probes, closes, and serves', () => {
  const scene = new Scene();
  scene.breaker.ended(scene.halfOpen(), 'failed');
  scene.clock.advanceMs(15_000);
  scene.calls('served', 'served');
  scene.calls('failed', 'failed', 'served', 'failed');
  expect(scene.changes).toEqual([
    'closed > open',
    'open > half_open',
    'half_open > open',
    'open > half_open',
    'half_open > closed',
  ]);
  expect(scene.breaker.state).toBe('closed');
});
