import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { SystemClock } from '../../core/clock.ts';
import { uuidv7 } from '../../core/ids.ts';
import { FakeRecordStore } from '../../../test/support/fake-record-store.ts';
import { anId, aStart } from '../../../test/support/record-events.ts';
import { until } from '../../../test/support/until.ts';
import { createJournalDirectory } from '../journal/journal-directories.ts';
import { JournalKeeper } from './journal-keeper.ts';
import { encodeLine } from '../journal/journal-line.ts';
import { JournalProgress } from '../journal/journal-progress.ts';
import { Journal } from '../journal/journal.ts';

const clock = new SystemClock();

class Store extends FakeRecordStore {
  heartbeats = 0;
  closing: () => Promise<void> = () => Promise.resolve();
  storing: () => Promise<void> = () => Promise.resolve();

  override async store(...args: Parameters<FakeRecordStore['store']>) {
    await this.storing();
    return super.store(...args);
  }

  override heartbeat(): Promise<readonly string[]> {
    this.heartbeats += 1;
    return Promise.resolve([]);
  }

  override async closeInterrupted(instanceId: string): Promise<number> {
    await this.closing();
    return super.closeInterrupted(instanceId);
  }
}

let root: string;
let store: Store;
let own: { readonly id: string; readonly directory: string };
let progress: JournalProgress;
let failures: string[];

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'aibridge-keeper-'));
  store = new Store();
  progress = new JournalProgress();
  failures = [];
  const owned = await createJournalDirectory(root, anId());
  own = { id: owned.instanceId, directory: owned.directory };
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

function aKeeper(): JournalKeeper {
  const reports = {
    unavailable: () => undefined,
    available: () => undefined,
    setAside: () => Promise.resolve(),
    missing: () => Promise.resolve(),
    late: () => Promise.resolve(),
    adopting: () => undefined,
    fellBack: () => undefined,
    adopted: () => undefined,
    closedInterrupted: () => undefined,
    failed: (what: string, reason: string) => void failures.push(`${what}: ${reason}`),
  };
  const instance = { id: own.id, version: '1', host: 'h' };
  return new JournalKeeper(store, reports, clock, { root, instance });
}

/** A keeper at work, as long as `task` takes. */
async function whileKept(task: () => unknown): Promise<void> {
  const stop = new AbortController();
  const running = aKeeper().run(own.directory, progress, stop.signal);
  try {
    await task();
  } finally {
    stop.abort();
    await running;
  }
}

/** What a dead process left: one start. */
async function anOrphan(id = anId()): Promise<string> {
  await mkdir(path.join(root, id));
  const line = encodeLine(aStart({ instanceId: id }));
  await writeFile(path.join(root, id, '0000000000000000.log'), line);
  return id;
}

const gone = (name: string) => async () =>
  (await readdir(root)).includes(name) ? undefined : true;

test('a journal of the dead that could not be taken over is there to be taken again', async () => {
  const orphan = await anOrphan();
  store.closing = () => Promise.reject(new Error('the database went away'));
  await whileKept(() => until('a failure', () => failures[0]));
  expect(await readdir(root)).toContain(orphan);

  store.closing = () => Promise.resolve();
  await whileKept(() => until('the journal is gone', gone(orphan)));
  expect(store.closed).toContain(orphan);
});

test('one journal that cannot be taken over does not keep the others waiting', async () => {
  const [first, second] = [await anOrphan(), await anOrphan()];
  store.closing = () => {
    store.closing = () => Promise.resolve();
    return Promise.reject(new Error('not this one'));
  };
  await whileKept(() =>
    until('one journal is gone', async () => (await gone(first)()) ?? (await gone(second)())),
  );
  expect(failures).toHaveLength(1);
});

test('a folder that is no journal is left as it is', async () => {
  await mkdir(path.join(root, 'lost+found'));
  const orphan = await anOrphan(uuidv7(Date.UTC(2040, 0, 1)));
  await whileKept(() => until('the journal is gone', gone(orphan)));
  expect(await readdir(path.join(root, 'lost+found'))).toEqual([]);
  expect(failures).toEqual([]);
});

test('a journal that is only just being made is left to its maker', async () => {
  const [made, orphan] = [
    uuidv7(Date.UTC(2020, 0, 1)),
    await anOrphan(uuidv7(Date.UTC(2040, 0, 1))),
  ];
  await mkdir(path.join(root, made));
  await whileKept(() => until('the journal is gone', gone(orphan)));
  expect(await readdir(path.join(root, made))).toEqual([]);
});

test('a process that leaves in good order leaves nothing open', async () => {
  await whileKept(() => undefined);
  expect(store.closed).toEqual([own.id]);
});

test('a writer that replaces another begins where that one’s last commit ended', async () => {
  const journal = new Journal({
    directory: own.directory,
    bytesMax: 1024 * 1024,
    isSynced: false,
    progress,
    clock,
  });
  onTestFinished(() => journal.close());
  await journal.appendStart(encodeLine(aStart()));
  await whileKept(() => undefined);
  await journal.appendStart(encodeLine(aStart()));
  await whileKept(() => undefined);

  expect(store.stored).toHaveLength(2);
  expect(progress.lagRecords).toBe(0);
  expect(progress.committedPosition).toBe(progress.flushedPosition);
});

// Others would conclude that this process is dead, and close what it has open.
test('the heart goes on beating while a journal of the dead is waiting for the database', async () => {
  await anOrphan();
  const { promise, resolve } = Promise.withResolvers<void>();
  store.storing = () => promise;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  await whileKept(async () => {
    await until('the first heartbeat', () => (store.heartbeats > 0 ? true : undefined));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(store.heartbeats).toBeGreaterThan(2);
    resolve();
  });
});
