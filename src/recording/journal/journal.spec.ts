import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SystemClock } from '../../core/clock.ts';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { aPrompt, aStart, anEnd } from '../../../test/support/record-events.ts';
import { until } from '../../../test/support/until.ts';
import { Journal, JournalRefusal } from './journal.ts';
import { encodeLine } from './journal-line.ts';
import { JournalProgress } from './journal-progress.ts';
import { JournalReader, type JournalBatch } from './journal-reader.ts';
import { listSegments } from './journal-segments.ts';

const MIB = 1024 * 1024;

let directory: string;
let progress: JournalProgress;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'aibridge-journal-'));
  progress = new JournalProgress();
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

function aJournal(bytesMax = 64 * MIB): Journal {
  return new Journal({ directory, bytesMax, isSynced: false, progress, clock: new SystemClock() });
}

async function readAll(limit?: number): Promise<JournalBatch[]> {
  const reader = new JournalReader(directory);
  const batches: JournalBatch[] = [];
  for (let batch = await reader.next(limit); batch; batch = await reader.next(limit)) {
    batches.push(batch);
  }
  await reader.close();
  return batches;
}

async function idsIn(batches: Promise<JournalBatch[]>): Promise<string[]> {
  return (await batches).flatMap(({ events }) => events.map(({ id }) => id));
}

test('what others take of its room is known to whoever trims it', async () => {
  let bytesElsewhere = 0;
  const clock = new SystemClock();
  const options = { directory, bytesMax: MIB, isSynced: false, progress, clock };
  const journal = new Journal({ ...options, bytesElsewhere: () => bytesElsewhere });
  for (bytesElsewhere of [200 * 1024, 0]) {
    journal.tend();
    expect(progress.bytesElsewhere).toBe(bytesElsewhere);
  }
  await journal.close();
});

// What the database has, and what has been purged there, would stay on the disk of a quiet bridge.
test('a segment is as old as a minute when the next one begins', async () => {
  const clock = new FakeClock();
  const options = { directory, bytesMax: 64 * MIB, isSynced: false, progress, clock };
  const journal = new Journal(options);
  const begun: number[] = [];
  for (const ms of [0, 59_999, 1, 59_999, 1]) {
    clock.advanceMs(ms);
    await journal.appendStart(encodeLine(aStart()));
    begun.push((await listSegments(directory)).length);
  }
  expect(begun).toEqual([1, 1, 2, 2, 3]);
  await journal.close();
});

test('a segment that is as old as a minute ends also where nobody writes', async () => {
  const clock = new FakeClock();
  const options = { directory, bytesMax: 64 * MIB, isSynced: false, progress, clock };
  const journal = new Journal(options);
  const position = await journal.appendStart(encodeLine(aStart()));
  const segments = async (): Promise<number[]> =>
    (await listSegments(directory)).map(({ start }) => start);
  clock.advanceMs(59_999);
  journal.tend();
  await journal.appendStart('');
  expect(await segments()).toEqual([0]);
  clock.advanceMs(1);
  journal.tend();
  await until('the segment has ended', async () =>
    (await segments()).length > 1 ? true : undefined,
  );
  clock.advanceMs(60_000);
  journal.tend();
  await journal.close();
  expect(await segments()).toEqual([0, position]);
});

// Joined they could be longer than a string can be; large-prompts.fault-spec.ts has so many.
test('what is queued at once is written in pieces', async () => {
  const journal = aJournal();
  const events = Array.from({ length: 20 }, () => aPrompt({ text: 'x'.repeat(MIB) }));
  await Promise.all(events.map((event) => journal.append(encodeLine(event), 1)));
  expect((await listSegments(directory)).length).toBeGreaterThan(1);
  expect(await idsIn(readAll())).toEqual(events.map(({ id }) => id));
  await journal.close();
});

test('what is appended is read back in order', async () => {
  const journal = aJournal();
  const events = Array.from({ length: 500 }, () => aStart());
  await Promise.all(events.map((event) => journal.appendStart(encodeLine(event))));
  expect(await idsIn(readAll())).toEqual(events.map(({ id }) => id));
  await journal.close();
});

test('a thousand concurrent records share two writes at most', async () => {
  const journal = aJournal();
  const appended = Array.from({ length: 1_000 }, () => journal.appendStart(encodeLine(aStart())));
  // Each write reaches to one position, which all of its records are given.
  expect(new Set(await Promise.all(appended)).size).toBeLessThanOrEqual(2);
  await journal.close();
});

test('a reader is given nothing beyond the limit it is told', async () => {
  const journal = aJournal();
  const first = aStart();
  const position = await journal.appendStart(encodeLine(first));
  await journal.appendStart(encodeLine(aStart()));
  expect(await idsIn(readAll(position))).toEqual([first.id]);
  await journal.close();
});

test('segments follow one another without a gap, and go once nobody needs them', async () => {
  const journal = aJournal(MIB);
  const events = Array.from({ length: 200 }, () => aPrompt({ text: 'x'.repeat(4_000) }));
  for (const event of events) await journal.append(encodeLine(event), 1);
  expect((await readdir(directory)).length).toBeGreaterThan(3);
  expect(await idsIn(readAll())).toEqual(events.map(({ id }) => id));

  const reader = new JournalReader(directory);
  const batch = await reader.next();
  const below = await reader.deleteBelow(batch?.position ?? 0);
  expect(below).toBeGreaterThan(0);
  expect(below).toBeLessThanOrEqual(batch?.position ?? 0);
  await reader.close();
  await journal.close();
});

async function aFullJournal(): Promise<Journal> {
  const journal = aJournal(256 * 1024);
  while (!journal.isFull) await journal.append(encodeLine(aPrompt({ text: 'x'.repeat(9_000) })), 1);
  return journal;
}

describe('a journal that has reached its limit', () => {
  test('turns starts away and still takes what belongs to the started', async () => {
    const journal = await aFullJournal();
    await expect(journal.appendStart(encodeLine(aStart()))).rejects.toThrow(JournalRefusal);
    await journal.append(encodeLine(anEnd()), 1);
    expect(journal.lostRecords).toBe(0);
    await journal.close();
  });

  test('has reached it when others on the same disk have', async () => {
    let bytesElsewhere = 200 * 1024;
    const options = { directory, bytesMax: 256 * 1024, isSynced: false, progress };
    const journal = new Journal({
      ...options,
      clock: new SystemClock(),
      bytesElsewhere: () => bytesElsewhere,
    });
    await journal.appendStart(encodeLine(aStart({ userAgent: 'x'.repeat(60 * 1024) })));
    await expect(journal.appendStart(encodeLine(aStart()))).rejects.toThrow(JournalRefusal);
    expect(journal.isFull).toBe(true);
    bytesElsewhere = 0;
    await journal.appendStart(encodeLine(aStart()));
    await journal.close();
  });

  test('turns away also those starts that arrived together with what filled it', async () => {
    const journal = aJournal(256 * 1024);
    const line = encodeLine(aStart({ userAgent: 'x'.repeat(9_000) }));
    const starts = Array.from({ length: 1_000 }, () => journal.appendStart(line));
    const settled = await Promise.allSettled(starts);
    const refused = settled.filter(({ status }) => status === 'rejected').length;
    expect(refused).toBeGreaterThan(900);
    expect(journal.position).toBeLessThan(256 * 1024 * (1 + 1 / 8 + 1 / 4));
    expect(journal.failure).toBeUndefined();
    await journal.append(encodeLine(anEnd()), 1);
    await journal.close();
  });

  test('takes starts again when the database has caught up', async () => {
    const journal = await aFullJournal();
    progress.committed(progress.flushedPosition, progress.lagRecords, 0);
    const start = aStart();
    await journal.appendStart(encodeLine(start));
    expect(await idsIn(readAll())).toContain(start.id);
    await journal.close();
  });
});

// Its segment is the last one and so is not deleted, which must not count as being ahead.
test('one record as long as the limit does not keep the journal full for ever', async () => {
  const journal = aJournal(MIB);
  await journal.append(encodeLine(aPrompt({ text: 'x'.repeat(2 * MIB) })), 1);
  expect(journal.isFull).toBe(true);
  progress.committed(progress.flushedPosition, 1, 0);
  await journal.appendStart(encodeLine(aStart()));
  await journal.close();
});

describe('a disk that takes nothing', () => {
  test('is not asked again for every start that it keeps from being made', async () => {
    const journal = aJournal();
    await rm(directory, { recursive: true });
    await expect(journal.appendStart(encodeLine(aStart()))).rejects.toThrow(JournalRefusal);
    await mkdir(directory);
    await expect(journal.appendStart(encodeLine(aStart()))).rejects.toBe(journal.failure);
    await journal.close();
  });

  test('refuses starts, keeps the rest, and is noticed when it recovers', async () => {
    const journal = aJournal();
    await rm(directory, { recursive: true });
    const end = anEnd();
    await expect(journal.appendStart(encodeLine(aStart()))).rejects.toThrow(JournalRefusal);
    await expect(journal.append(encodeLine(end), 1)).rejects.toThrow(JournalRefusal);
    expect(journal.failure).toBeInstanceOf(JournalRefusal);

    await mkdir(directory);
    await until('the journal is well again', () => (journal.failure ? undefined : true));
    expect(await idsIn(readAll())).toEqual([end.id]);
    await journal.close();
  });

  test('is noticed to have recovered although nobody writes', async () => {
    const journal = aJournal();
    await rm(directory, { recursive: true });
    await expect(journal.appendStart(encodeLine(aStart()))).rejects.toThrow(JournalRefusal);
    await mkdir(directory);
    await until('the journal is well again', () => (journal.failure ? undefined : true));
    await journal.close();
  });

  test('costs exactly the records that are still unwritten at the end', async () => {
    const journal = aJournal();
    await rm(directory, { recursive: true });
    await expect(journal.append(encodeLine(anEnd()) + encodeLine(anEnd()), 2)).rejects.toThrow(
      JournalRefusal,
    );
    await journal.close();
    expect(journal.lostRecords).toBe(2);
  });
});

describe('what a crash or a bad disk leaves behind', () => {
  const before = aStart();
  const after = aStart();

  test('a torn last line is cut, and named with its file and offset', async () => {
    const whole = encodeLine(before);
    await writeFile(
      path.join(directory, '0000000000000000.log'),
      whole + encodeLine(after).slice(0, 40),
    );
    const batches = await readAll();
    expect(batches.flatMap(({ events }) => events)).toEqual([before]);
    expect(batches.flatMap(({ damaged }) => damaged)).toMatchObject([
      { file: '0000000000000000.log', offset: Buffer.byteLength(whole), reason: 'torn' },
    ]);
  });

  test('a flipped byte costs its own line only', async () => {
    const bytes = Buffer.from(encodeLine(before) + encodeLine(aStart()) + encodeLine(after));
    const offset = Buffer.byteLength(encodeLine(before));
    bytes[offset + 60] = (bytes[offset + 60] ?? 0) ^ 1;
    await writeFile(path.join(directory, '0000000000000000.log'), bytes);
    const [batch] = await readAll();
    expect(batch?.events).toEqual([before, after]);
    expect(batch?.damaged).toMatchObject([{ offset, reason: 'damaged' }]);
  });

  test('a record of an unknown version is kept apart byte for byte', async () => {
    const unknown = '48d79f45 2 {"kind":"start"}';
    await writeFile(
      path.join(directory, '0000000000000000.log'),
      `${encodeLine(before)}${unknown}\n${encodeLine(after)}`,
    );
    const [batch] = await readAll();
    expect(batch?.events).toEqual([before, after]);
    expect(batch?.damaged).toMatchObject([{ reason: 'unknown_version' }]);
    expect(batch?.damaged[0]?.bytes.toString()).toBe(unknown);
  });

  test('a line longer than a read is read as one', async () => {
    const long = aPrompt({ text: 'y'.repeat(5 * MIB) });
    await writeFile(
      path.join(directory, '0000000000000000.log'),
      encodeLine(before) + encodeLine(long) + encodeLine(after),
    );
    expect(await idsIn(readAll())).toEqual([before.id, long.id, after.id]);
  });
});

test('a journal is plain text that an operator can read', async () => {
  const journal = aJournal();
  await journal.appendStart(encodeLine(aStart({ initiatorId: 'alice@corp' })));
  await journal.close();
  const [name = ''] = await readdir(directory);
  expect(await readFile(path.join(directory, name), 'utf8')).toMatch(
    /^[0-9a-f]{8} 1 \{"kind":"start".*"initiatorId":"alice@corp".*\}\n$/,
  );
});
