import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { aProcess } from '../../../test/support/key-change.ts';
import { RecordedLog } from '../../../test/support/recorded-log.ts';
import { until } from '../../../test/support/until.ts';
import {
  type KeyChange,
  type KeyName,
  type KeyStateListener,
  type KeyStateSession,
  KeyStateStore,
} from '../pool/key-state-store.ts';
import { KeyClock } from '../key/key-clock.ts';
import type { KeyRecord } from '../key/key-record.ts';
import { KeyStateSync } from './key-state-sync.ts';
import { mergeChanges } from './merge-changes.ts';

/** What all processes share, in memory; `isAway` makes it a database that cannot be reached. */
class SharedRecord {
  readonly listeners = new Set<KeyStateListener>();
  records: readonly KeyRecord[] = [];
  isAway = false;
  merges = 0;
  /** What happens meanwhile. */
  onMerge: () => void = () => undefined;
  /** When somebody asks for the time: what it is, if not that of the clock. */
  onTime: () => number | undefined = () => undefined;
  readonly clock = new FakeClock();

  fall(): void {
    this.isAway = true;
    for (const listener of this.listeners) listener.onLost(new Error('the server fell'));
    this.listeners.clear();
  }

  assertThere(): void {
    if (this.isAway) throw new Error('the server is away');
  }

  merge(changes: readonly KeyChange[], from: KeyStateListener): readonly KeyRecord[] {
    this.assertThere();
    this.merges += 1;
    this.onMerge();
    const { records } = mergeChanges(this.records, changes, Infinity);
    const all = [...this.records, ...records].map((record) => [slot(record), record] as const);
    this.records = [...new Map(all).values()];
    for (const listener of this.listeners) {
      if (listener !== from) for (const record of records) listener.onChange(record);
    }
    return this.records.filter((record) => changes.some((told) => isSameKey(told.record, record)));
  }
}

const isSameKey = (one: KeyName, other: KeyName) => one.fingerprint === other.fingerprint;

const slot = ({ fingerprint, scope }: KeyRecord) => JSON.stringify([fingerprint, scope]);

class FakeStore extends KeyStateStore {
  override readonly ready: Promise<void>;

  constructor(
    private readonly shared: SharedRecord,
    ready: Promise<void> = Promise.resolve(),
  ) {
    super();
    this.ready = ready;
  }

  override async connect(listener: KeyStateListener): Promise<KeyStateSession> {
    this.shared.assertThere();
    this.shared.listeners.add(listener);
    return {
      nowMs: async () => this.shared.onTime() ?? this.shared.clock.nowMs(),
      read: async (keys?: readonly KeyName[]) => {
        this.shared.assertThere();
        const isWanted = (record: KeyName): boolean =>
          keys?.some((key) => isSameKey(key, record)) ?? true;
        return this.shared.records.filter(isWanted);
      },
      merge: async (changes) => this.shared.merge(changes, listener),
      close: async () => void this.shared.listeners.delete(listener),
    };
  }

  override claimCheck = (): Promise<boolean> => Promise.resolve(true);
  override events = (): Promise<[]> => Promise.resolve([]);
}

const running: KeyStateSync[] = [];
afterEach(() => Promise.all(running.splice(0).map((sync) => sync.stop())));

function aReplica(shared: SharedRecord, ready?: Promise<void>, wall = new FakeClock()) {
  const clock = new KeyClock(wall);
  const process = aProcess({ clock });
  const log = new RecordedLog();
  const sync = new KeyStateSync({
    store: new FakeStore(shared, ready),
    learn: (record) => {
      for (const transition of process.pool.merge(record)) sync.tell(transition);
    },
    clock,
    move: (byMs) => process.pool.move(byMs),
    logger: log,
    random: () => 0,
  });
  running.push(sync);
  sync.start();
  const tell = (): void => process.told.splice(0).forEach((transition) => sync.tell(transition));
  const becomes = (kind: string) =>
    vi.waitFor(() => expect(process.key(0).stateFor().kind).toBe(kind), { interval: 2 });
  return { ...process, log, sync, tell, becomes, nowMs: () => clock.nowMs() };
}

describe('keeping in step', () => {
  it('what one tells the other learns, and does not tell back', async () => {
    const shared = new SharedRecord();
    const [one, two] = [aReplica(shared), aReplica(shared)];
    one.reject(0);
    one.tell();
    await two.becomes('permanent');
    expect(shared.merges).toBe(1);
  });

  // Whoever has something to tell at every moment must hear of others all the same.
  it('one that always has more to tell learns what another tells', async () => {
    const shared = new SharedRecord();
    const [busy, other] = [aReplica(shared), aReplica(shared)];
    await until('both sides', () => (shared.listeners.size === 2 ? true : undefined));
    let forMs = 60_000;
    shared.onMerge = () => {
      if (busy.key(0).stateFor().kind === 'permanent') return;
      busy.cool(1, (forMs += 1));
      busy.tell();
    };
    other.reject(0);
    other.tell();
    await busy.becomes('permanent');
    expect(busy.log.said).toEqual(['info key states are shared']);
  });

  it('a process that starts learns what happened before', async () => {
    const shared = new SharedRecord();
    const before = aReplica(shared);
    before.reject(0);
    before.tell();
    await until('the record', () => shared.records[0]);
    const after = aReplica(shared);
    await after.becomes('permanent');
    expect(after.key(0).stateFor()).toEqual(before.key(0).stateFor());
  });

  it('what happened on either side of an outage is known to both after it', async () => {
    const shared = new SharedRecord();
    const [one, two] = [aReplica(shared), aReplica(shared)];
    await until('both sides', () => (shared.listeners.size === 2 ? true : undefined));
    shared.fall();
    one.cool(0, 60_000);
    one.cool(0, 90_000);
    two.reject(1);
    one.tell();
    two.tell();
    shared.isAway = false;
    await two.becomes('temporary');
    await vi.waitFor(() => expect(one.key(1).stateFor().kind).toBe('permanent'));
    expect(one.log.said).toEqual([
      'info key states are shared',
      'warn key states are not shared for now: each process goes by its own',
      'info key states are shared',
    ]);
  });

  it('neither starting nor stopping waits for a database that never comes', async () => {
    const { sync, tell, reject } = aReplica(new SharedRecord(), new Promise(() => undefined));
    reject(0);
    tell();
    await sync.stop();
    expect(sync).toBeDefined();
  });

  it('the last news are told before the process ends', async () => {
    const shared = new SharedRecord();
    const { reject, tell, sync } = aReplica(shared);
    await until('a session', () => (shared.listeners.size === 1 ? true : undefined));
    reject(0);
    tell();
    await sync.stop();
    expect(shared.records).toMatchObject([{ rejection: { status: 401 } }]);
  });

  it('replicas whose clocks are wrong agree on when a cooldown ends', async () => {
    const shared = new SharedRecord();
    const wallOf = (hours: number) => new FakeClock(shared.clock.nowMs() + hours * 3_600_000);
    const [early, late] = [wallOf(-6), wallOf(30)].map((wall) => aReplica(shared, undefined, wall));
    early?.cool(0, 60_000);
    late?.cool(1, 90_000);
    early?.tell();
    late?.tell();
    const endsInMs = [60_000, 90_000];
    for (const replica of [early, late]) {
      for (const [index, remainingMs] of endsInMs.entries()) {
        const untilMs = shared.clock.nowMs() + remainingMs;
        await vi.waitFor(() =>
          expect(replica?.key(index).stateFor()).toMatchObject({ remainingMs, untilMs }),
        );
      }
    }
  });

  it('the quickest of three answers about the time counts', async () => {
    const shared = new SharedRecord();
    const wall = new FakeClock(shared.clock.nowMs());
    // How long each answer takes to come back, from a database that is always 3 s ahead.
    const delays = [8_000, 30, 6_000, 1_000];
    shared.onTime = () => {
      const databaseMs = wall.nowMs() + 3_000;
      wall.advanceMs(delays.shift() ?? 0);
      return databaseMs;
    };
    const replica = aReplica(shared, undefined, wall);
    replica.cool(0, 60_000);
    await vi.waitFor(() => expect(replica.log.said).toEqual(['info key states are shared']));
    expect(delays).toEqual([1_000]);
    expect(Math.abs(replica.nowMs() - (wall.nowMs() + 3_000))).toBeLessThanOrEqual(15);
  });

  it('a clock that is set back or forward lengthens and shortens no cooldown', async () => {
    const wall = new FakeClock();
    const replica = aReplica(new SharedRecord(), undefined, wall);
    replica.cool(0, 5_000);
    for (const hours of [-6, 24]) {
      wall.setWallMs(wall.nowMs() + hours * 3_600_000);
      expect(replica.key(0).stateFor()).toMatchObject({ remainingMs: 5_000 });
    }
    wall.advanceMs(5_000);
    expect(replica.key(0).stateFor()).toEqual({ kind: 'valid' });
  });
});
