import { afterEach, describe, expect, it, vi } from 'vitest';
import { aProcess } from '../../../test/support/key-change.ts';
import { RecordedLog } from '../../../test/support/recorded-log.ts';
import { until } from '../../../test/support/until.ts';
import {
  type KeyChange,
  type KeyName,
  type KeyStateListener,
  type KeyStateSession,
  KeyStateStore,
  type RecordedKeyState,
} from '../pool/key-state-store.ts';
import { KeyStateSync } from './key-state-sync.ts';
import { mergeChanges } from './merge-changes.ts';

/** What all processes share, in memory; `isAway` makes it a database that cannot be reached. */
class SharedRecord {
  readonly listeners = new Set<KeyStateListener>();
  records: readonly RecordedKeyState[] = [];
  isAway = false;
  merges = 0;

  fall(): void {
    this.isAway = true;
    for (const listener of this.listeners) listener.onLost(new Error('the server fell'));
    this.listeners.clear();
  }

  assertThere(): void {
    if (this.isAway) throw new Error('the server is away');
  }

  merge(changes: readonly KeyChange[], from: KeyStateListener): readonly RecordedKeyState[] {
    this.assertThere();
    this.merges += 1;
    const { records } = mergeChanges(this.records, changes, Infinity);
    const all = [...this.records, ...records].map((record) => [slot(record), record] as const);
    this.records = [...new Map(all).values()];
    for (const listener of this.listeners) {
      if (listener !== from) for (const record of records) listener.onChange(record);
    }
    return this.records;
  }
}

const slot = ({ fingerprint, scope }: RecordedKeyState) => JSON.stringify([fingerprint, scope]);

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
      read: async (keys?: readonly KeyName[]) => {
        this.shared.assertThere();
        const isWanted = ({ fingerprint }: KeyName): boolean =>
          keys?.some((key) => key.fingerprint === fingerprint) ?? true;
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

function aReplica(shared: SharedRecord, ready?: Promise<void>) {
  const process = aProcess();
  const log = new RecordedLog();
  const sync = new KeyStateSync({
    store: new FakeStore(shared, ready),
    learn: (record) => {
      for (const transition of process.pool.merge(record)) sync.tell(transition);
    },
    logger: log,
    random: () => 0,
  });
  running.push(sync);
  sync.start();
  const tell = (): void => process.told.splice(0).forEach((transition) => sync.tell(transition));
  const becomes = (kind: string) =>
    vi.waitFor(() => expect(process.key(0).stateFor().kind).toBe(kind), { interval: 2 });
  return { ...process, log, sync, tell, becomes };
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
});
