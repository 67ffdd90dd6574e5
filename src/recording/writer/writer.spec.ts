import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, SystemClock } from '../../core/clock.ts';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { FakeRecordStore } from '../../../test/support/fake-record-store.ts';
import { anEnd, aPrompt, aStart } from '../../../test/support/record-events.ts';
import { until } from '../../../test/support/until.ts';
import type { RecordEvent, StartEvent } from '../journal/events.ts';
import { Journal } from '../journal/journal.ts';
import { encodeLine } from '../journal/journal-line.ts';
import { JournalProgress } from '../journal/journal-progress.ts';
import { JournalReader, type MissingStretch } from '../journal/journal-reader.ts';
import { listSegments, segmentName } from '../journal/journal-segments.ts';
import type { JournalMark } from '../store/record-store.ts';
import type { SetAside } from './set-aside.ts';
import { Writer } from './writer.ts';

const clock = new SystemClock();
const KEEPING = { keepMs: 60_000, bytesMax: 64 * 1024 * 1024 };
const INSTANCE = '01a00000-0000-7000-8000-000000000001';
const OPTIONS = { bytesMax: 1024 * 1024, isSynced: false, clock };

let directory: string;
let progress: JournalProgress;
let journal: Journal;
let store: FakeRecordStore;
let setAside: SetAside[];
let missing: MissingStretch[];
let late: RecordEvent[];
let unavailable: string[];
let fellBack: [bytes: number, missing: number][];
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
  missing = [];
  late = [];
  unavailable = [];
  readers = [];
  fellBack = [];
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

function aWriter(by: Clock = clock): Writer {
  return new Writer(
    store,
    {
      unavailable: (reason) => unavailable.push(reason),
      available: () => unavailable.push('available again'),
      setAside: (what) => {
        setAside.push(what);
        return Promise.resolve();
      },
      missing: (_, stretch) => {
        missing.push(stretch);
        return Promise.resolve();
      },
      fellBack: (bytes, missingBytes) => void fellBack.push([bytes, missingBytes]),
      late: (event) => {
        late.push(event);
        return Promise.resolve();
      },
    },
    by,
    INSTANCE,
  );
}

async function followUntilStored(count: number): Promise<void> {
  const stop = new AbortController();
  const following = aWriter().follow(aReader(), progress, stop.signal);
  await until('all is stored', () => (store.stored.length === count ? true : undefined));
  stop.abort();
  await following;
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

test('sets aside the ends that have no start together, and stores the rest', async () => {
  const events = await append(1_000);
  const ends = events.filter((_, index) => index % 3 === 0).map(({ id }) => anEnd({ id }));
  for (const end of ends) await journal.append(encodeLine(end), 1);
  const unstarted = new Set(ends.slice(0, 100).map(({ id }) => id));
  store.isUnstarted = ({ kind, id }) => kind === 'end' && unstarted.has(id);
  await aWriter().follow(aReader(), progress, AbortSignal.abort());
  expect(setAside).toEqual(
    ends.slice(0, 100).map((event) => ({ event, reason: 'no start', isUnstarted: true })),
  );
  expect(store.stored).toEqual([...events, ...ends.slice(100)]);
  expect(store.batchSizes.length).toBeLessThan(10);
  expect(progress.lagRecords).toBe(0);
});

/** Five segments, of which one or more go. */
async function without(...lost: readonly number[]): Promise<readonly number[]> {
  const small = new Journal({ ...OPTIONS, directory, progress });
  for (let written = 0; written < 5; written += 1) {
    await small.append(encodeLine(aStart({ userAgent: 'x'.repeat(140_000) })), 1);
  }
  await small.close();
  const segments = await listSegments(directory);
  for (const index of lost) await rm(path.join(directory, segments[index]?.name ?? ''));
  return segments.map(({ start }) => start);
}

describe('damage to a journal', () => {
  test('that lost lines does not count as a lag for ever', async () => {
    await journal.append('00000000 1 {}\n00000000 1 {}\n', 7);
    await journal.append(encodeLine(aStart()), 1);
    const file = path.join(directory, segmentName(0));
    const bytes = await readFile(file);
    await writeFile(file, Buffer.concat([Buffer.from('x'), bytes.subarray(1)]));
    await aWriter().follow(aReader(), progress, AbortSignal.abort());
    expect(setAside).toMatchObject([{ reason: 'damaged' }, { reason: 'damaged' }]);
    expect(progress.lagRecords).toBe(0);
    expect(progress.lagMs(clock.nowMs() + 1_000)).toBe(0);
    await append(5);
    expect(progress.lagRecords).toBe(5);
  });

  test.each([
    ['in the middle', [1, 3]],
    ['at the beginning', [0]],
  ])('that lost a segment %s is told once, and the rest is stored', async (_, lost) => {
    const starts = await without(...lost);
    await aWriter().follow(aReader(), progress, AbortSignal.abort());
    await aWriter().follow(aReader(), progress, AbortSignal.abort());
    expect(missing).toEqual(lost.map((index) => ({ from: starts[index], to: starts[index + 1] })));
    expect(store.stored).toHaveLength(5 - lost.length);
    expect(progress.lagRecords).toBe(0);
  });

  test('that cut a segment short is told with what is missing of it', async () => {
    const starts = await without();
    const [, second] = starts;
    await truncate(path.join(directory, segmentName(second ?? 0)), 100);
    await aWriter().follow(aReader(), progress, AbortSignal.abort());
    expect(setAside).toMatchObject([{ reason: 'torn', offset: 0 }]);
    expect(missing).toEqual([{ from: (second ?? 0) + 100, to: starts[2] }]);
    expect(store.stored).toHaveLength(4);
    expect(progress.lagRecords).toBe(0);
  });

  test('is none where the store has what is missing', async () => {
    const starts = await without(0, 1);
    await store.store([], { instanceId: INSTANCE, position: starts[2] ?? 0, events: 0 });
    expect(await aWriter().drain(aReader(), new AbortController().signal)).toBe(true);
    expect(missing).toEqual([]);
    expect(store.stored).toHaveLength(3);
  });
});

describe('a store that says nothing', () => {
  const large = aPrompt({ text: 'x'.repeat(2 * 1024 * 1024) });

  test('to one large record alone has it put by for later, and everything else stored', async () => {
    const before = await append(10);
    await journal.append(encodeLine(large), 1);
    const after = await append(10);
    store.isSilent = (events) => events.some(({ kind }) => kind === 'prompt');
    await followUntilStored(20);
    expect(store.stored).toEqual([...before, ...after]);
    expect(late).toEqual([large]);
    expect(progress.lagRecords).toBe(0);
  });

  test('to anything is waited for, and nothing is put by', async () => {
    store.isAway = true;
    await journal.append(encodeLine(large), 1);
    const stop = new AbortController();
    const following = aWriter().follow(aReader(), progress, stop.signal);
    await until('it has tried', () => (unavailable.length > 1 ? true : undefined));
    store.isAway = false;
    await until('it is stored', () => (store.stored.length === 1 ? true : undefined));
    stop.abort();
    await following;
    expect(late).toEqual([]);
  });
});

test('keeps no segment that the store has, also where nobody writes any more', async () => {
  const old = new FakeClock();
  const quiet = new Journal({ ...OPTIONS, directory, progress, clock: old });
  const stop = new AbortController();
  const reader = aReader();
  const following = aWriter().follow(reader, progress, stop.signal);
  await quiet.append(encodeLine(aStart()), 1);
  old.advanceMs(60_000);
  quiet.tend();
  await until('the segment is gone', async () => {
    const [oldest] = await listSegments(directory);
    return oldest?.start === quiet.position ? true : undefined;
  });
  stop.abort();
  await following;
  expect(quiet.bytes).toBe(0);
  await quiet.close();
});

describe('a store that takes too long', () => {
  test('is given less at once', async () => {
    const events = await append(1_000);
    store.isSlow = ({ length }) => length > 100;
    await followUntilStored(1_000);
    expect(store.stored).toEqual(events);
    expect(late).toEqual([]);
  });

  test('for one large record has it put by for later, and everything else stored', async () => {
    const before = await append(10);
    const large = aPrompt({ text: 'x'.repeat(2 * 1024 * 1024) });
    await journal.append(encodeLine(large), 1);
    const after = await append(10);
    store.isSlow = (events) => events.some(({ kind }) => kind === 'prompt');
    await followUntilStored(20);
    expect(store.stored).toEqual([...before, ...after]);
    expect(late).toEqual([large]);
    expect(progress.lagRecords).toBe(0);
  });

  test('for anything is waited for, and nothing is put by', async () => {
    store.isSlow = () => true;
    const stop = new AbortController();
    const following = aWriter().follow(aReader(), progress, stop.signal);
    const events = await append(1_000);
    await until('it has tried', () => (unavailable.length > 1 ? true : undefined));
    store.isSlow = () => false;
    await until('everything is stored', () => (store.stored.length === 1_000 ? true : undefined));
    stop.abort();
    await following;
    expect(store.stored).toEqual(events);
    expect(late).toEqual([]);
    expect(setAside).toEqual([]);
  });
});

describe('after a crash', () => {
  test('nothing is stored twice of what the store has', async () => {
    const events = await append(5_000);
    await aWriter().follow(aReader(), progress, AbortSignal.abort());
    await journal.close();
    expect(await aWriter().drain(aReader(), new AbortController().signal)).toBe(true);
    expect(store.stored).toEqual(events);
  });

  test('what was stored last is finished, which may have been under way', async () => {
    const events = await append(100);
    await aWriter().follow(aReader(), progress, AbortSignal.abort());
    await journal.close();
    expect(store.finished).toEqual([]);

    store.isAway = true;
    const draining = aWriter().drain(aReader(), new AbortController().signal);
    await until('it waits', () => unavailable[0]);
    store.isAway = false;
    expect(await draining).toBe(true);
    expect(store.finished).toEqual(events);
  });

  test('in the middle of a batch, it goes on after the part that the store has', async () => {
    const events = await append(1_000);
    const refused = events[600];
    const crash = new Error('killed');
    store.refuses = ({ id }) => {
      if (id === refused?.id && store.stored.length > 0) throw crash;
      return id === refused?.id;
    };
    await expect(aWriter().follow(aReader(), progress, AbortSignal.abort())).rejects.toBe(crash);
    expect(store.stored.length).toBeGreaterThan(0);

    const storedBefore = [...store.stored];
    store.refuses = () => false;
    const reader = aReader();
    await aWriter().follow(reader, progress, AbortSignal.abort());
    expect(store.finished).toEqual(storedBefore);
    expect(store.stored).toEqual(events);
    expect(progress.lagRecords).toBe(0);
    expect(reader.newestMs).toBe(events.at(-1)?.at);
  });
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

/** As a standby has it that was promoted before it had everything. */
function fallBackTo(mark: JournalMark | undefined, count: number): void {
  store.stored.splice(count);
  if (mark === undefined) store.marks.delete(INSTANCE);
  else store.marks.set(INSTANCE, mark);
}

describe('a store that comes back without what it had', () => {
  test('is sent the rest again, as soon as there is more to store', async () => {
    const stop = new AbortController();
    const following = aWriter().follow(aReader(), progress, stop.signal, KEEPING);
    const first = await append(100);
    await until('the first are stored', () => (store.stored.length === 100 ? true : undefined));
    const mark = store.marks.get(INSTANCE);
    const lost = await append(100);
    await until('the others are stored', () => (store.stored.length === 200 ? true : undefined));
    fallBackTo(mark, 100);
    const more = await append(1);
    await until('all are stored', () => (store.stored.length === 201 ? true : undefined));
    stop.abort();
    await following;
    expect(store.stored).toEqual([...first, ...lost, ...more]);
    expect(fellBack).toEqual([[expect.any(Number), 0]]);
    expect(progress.lagRecords).toBe(0);
    expect(progress.committedPosition).toBe(journal.position);
  });

  test.each([
    ['all of it', 0],
    ['half a batch', 60],
  ])('is sent the rest again where it has lost %s and nobody asks for anything', async (_, had) => {
    const testClock = new FakeClock();
    const stop = new AbortController();
    const following = aWriter(testClock).follow(aReader(), progress, stop.signal, KEEPING);
    const events = await append(100);
    await until('all is stored', () => (store.stored.length === 100 ? true : undefined));
    const mark = had === 0 ? undefined : { instanceId: INSTANCE, position: 0, events: had };
    fallBackTo(mark, had);
    testClock.advanceMs(5_000);
    await until('all is stored again', () => (store.stored.length === 100 ? true : undefined));
    stop.abort();
    await following;
    expect(store.stored).toEqual(events);
    expect(progress.lagRecords).toBe(0);
  });

  test('has the lag that it has', async () => {
    await append(100);
    await aWriter().follow(aReader(), progress, AbortSignal.abort(), KEEPING);
    expect(progress.lagRecords).toBe(0);
    fallBackTo(undefined, 0);
    store.refuses = () => {
      throw new Error('killed');
    };
    await expect(
      aWriter().follow(aReader(), progress, AbortSignal.abort(), KEEPING),
    ).rejects.toThrow('killed');
    expect(progress.lagRecords).toBe(100);
    expect(progress.committedPosition).toBe(0);
  });

  test('says how much of that is not kept any more', async () => {
    const small = new Journal({
      directory,
      bytesMax: 1024 * 1024,
      isSynced: false,
      progress,
      clock,
    });
    const line = encodeLine(aStart({ userAgent: 'x'.repeat(9_000) }));
    for (let index = 0; index < 50; index += 1) await small.append(line, 1);
    await aWriter().follow(aReader(), progress, AbortSignal.abort());
    fallBackTo(undefined, 0);
    await aWriter().follow(aReader(), progress, AbortSignal.abort());
    await small.close();
    expect(fellBack).toEqual([[small.position, progress.deletedBelow]]);
    expect(progress.deletedBelow).toBeGreaterThan(0);
  });
});

test('what was set aside is set aside once, also by a writer that replaces another', async () => {
  const events = await append(3);
  store.refuses = ({ id }) => id === events[2]?.id;
  await aWriter().follow(aReader(), progress, AbortSignal.abort());
  await aWriter().follow(aReader(), progress, AbortSignal.abort());
  expect(setAside).toHaveLength(1);
  expect(fellBack).toEqual([]);
});
