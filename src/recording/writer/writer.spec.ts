import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SystemClock } from '../../core/clock.ts';
import { FakeRecordStore } from '../../../test/support/fake-record-store.ts';
import { aStart } from '../../../test/support/record-events.ts';
import { until } from '../../../test/support/until.ts';
import type { StartEvent } from '../journal/events.ts';
import { Journal } from '../journal/journal.ts';
import { encodeLine } from '../journal/journal-line.ts';
import { JournalProgress } from '../journal/journal-progress.ts';
import { JournalReader } from '../journal/journal-reader.ts';
import type { SetAside } from './set-aside.ts';
import { Writer } from './writer.ts';

const clock = new SystemClock();
let directory: string;
let progress: JournalProgress;
let journal: Journal;
let store: FakeRecordStore;
let setAside: SetAside[];
let unavailable: string[];
let readers: JournalReader[];

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'aibridge-writer-'));
  progress = new JournalProgress();
  journal = new Journal({
    directory,
    bytesMax: 64 * 1024 * 1024,
    isSynced: false,
    progress,
    clock,
  });
  store = new FakeRecordStore();
  setAside = [];
  unavailable = [];
  readers = [];
});

afterEach(async () => {
  await journal.close();
  await Promise.all(readers.map((reader) => reader.close()));
  await rm(directory, { recursive: true, force: true });
});

/** Closed with the test. */
function aReader(): JournalReader {
  const reader = new JournalReader(directory);
  readers.push(reader);
  return reader;
}

function aWriter(): Writer {
  return new Writer(
    store,
    {
      unavailable: (reason) => unavailable.push(reason),
      available: () => unavailable.push('available again'),
      setAside: (what) => {
        setAside.push(what);
        return Promise.resolve();
      },
    },
    clock,
  );
}

async function append(count: number): Promise<StartEvent[]> {
  const events = Array.from({ length: count }, () => aStart());
  await Promise.all(events.map((event) => journal.appendStart(encodeLine(event))));
  return events;
}

test('carries over what is flushed before it is told to stop, and no gap in order', async () => {
  const events = await append(5_000);
  const stop = new AbortController();
  stop.abort();
  await aWriter().follow(aReader(), progress, stop.signal);
  expect(store.stored).toEqual(events);
  expect(progress.lagRecords).toBe(0);
  expect(progress.committedPosition).toBe(journal.position);
});

test('sends bounded batches', async () => {
  await append(5_000);
  const stop = AbortSignal.abort();
  await aWriter().follow(aReader(), progress, stop);
  expect(Math.max(...store.batchSizes)).toBeLessThanOrEqual(2_000);
});

test('follows a journal that grows', async () => {
  const stop = new AbortController();
  const following = aWriter().follow(aReader(), progress, stop.signal);
  for (let round = 1; round <= 5; round += 1) {
    await append(10);
    await until('the round is stored', () =>
      store.stored.length === round * 10 ? true : undefined,
    );
  }
  stop.abort();
  await following;
  expect(progress.lagRecords).toBe(0);
});

test('waits for a store that is away, loses nothing and says so once it is back', async () => {
  store.isAway = true;
  const stop = new AbortController();
  const following = aWriter().follow(aReader(), progress, stop.signal);
  const events = await append(100);
  await until('it has tried', () => (unavailable.length > 1 ? true : undefined));
  store.isAway = false;
  await until('everything is stored', () => (store.stored.length === 100 ? true : undefined));
  stop.abort();
  await following;
  expect(store.stored).toEqual(events);
  expect(unavailable.at(-1)).toBe('available again');
});

test('sets aside exactly the events that the store will never take', async () => {
  const events = await append(1_000);
  const poison = new Set([events[0]?.id, events[499]?.id, events[999]?.id]);
  store.refuses = ({ id }) => poison.has(id);
  await aWriter().follow(aReader(), progress, AbortSignal.abort());
  expect(setAside.map((what) => 'event' in what && what.event.id)).toEqual([...poison]);
  expect(store.stored).toEqual(events.filter(({ id }) => !poison.has(id)));
  expect(progress.lagRecords).toBe(0);
});

test('leaves to its successor what a stopping process could not store', async () => {
  const events = await append(10);
  store.isAway = true;
  await aWriter().follow(aReader(), progress, AbortSignal.abort());
  expect(progress.lagRecords).toBe(10);

  store.isAway = false;
  await journal.close();
  const wasDrained = await aWriter().drain(aReader(), new AbortController().signal);
  expect(wasDrained).toBe(true);
  expect(store.stored).toEqual(events);
});

test('keeps no segment that the store has', async () => {
  const small = new Journal({ directory, bytesMax: 1024 * 1024, isSynced: false, progress, clock });
  for (let index = 0; index < 50; index += 1) {
    const line = encodeLine(aStart({ userAgent: 'x'.repeat(9_000) }));
    await small.append(line, 1);
  }
  expect((await readdir(directory)).length).toBeGreaterThan(2);
  await aWriter().follow(aReader(), progress, AbortSignal.abort());
  expect((await readdir(directory)).length).toBe(1);
  expect(small.bytes).toBeLessThan(small.position);
  await small.close();
});
