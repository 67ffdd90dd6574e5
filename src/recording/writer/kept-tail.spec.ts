import { beforeEach, expect, test } from 'vitest';
import { JournalProgress } from '../journal/journal-progress.ts';
import { KeptTail } from './kept-tail.ts';

const KEEP_MS = 60_000;
const MIB = 1024 * 1024;

let progress: JournalProgress;
let tail: KeptTail;

beforeEach(() => {
  progress = new JournalProgress();
  tail = new KeptTail({ keepMs: KEEP_MS, bytesMax: MIB });
});

test('what the store has taken is kept until it is seen to have it that much later', () => {
  tail.reached(100, 0);
  tail.reached(200, 30_000);
  tail.seen(KEEP_MS - 1);
  expect(tail.end(progress)).toBe(0);
  tail.seen(KEEP_MS);
  expect(tail.end(progress)).toBe(100);
  tail.seen(30_000 + KEEP_MS);
  expect(tail.end(progress)).toBe(200);
});

// While nobody can tell, the store may already be on its way back to an older state.
test('time counts for nothing while the store is away', () => {
  tail.reached(100, 0);
  tail.reached(200, 10 * KEEP_MS - 1);
  expect(tail.end(progress)).toBe(100);
  tail.reached(300, 20 * KEEP_MS);
  expect(tail.end(progress)).toBe(200);
});

test('what comes without a pause is not kept for ever', () => {
  for (let ms = 0; ms <= KEEP_MS; ms += 100) tail.reached(ms, ms);
  expect(tail.end(progress)).toBe(0);
  tail.seen(KEEP_MS + 900);
  expect(tail.end(progress)).toBe(900);
});

test('gives way to what waits for the store, and never more of it than the store has', () => {
  tail.reached(MIB / 2, 0);
  progress.flushed(MIB, 1, 0);
  expect(tail.end(progress)).toBe(MIB / 8);
  progress.flushed(10 * MIB, 1, 0);
  expect(tail.end(progress)).toBe(MIB / 2);
});

test('gives way to what others have on the disk', () => {
  tail.reached(MIB / 2, 0);
  progress.flushed(MIB / 2, 1, 0);
  expect(tail.end(progress)).toBe(0);
  progress.takenElsewhere(MIB / 2);
  expect(tail.end(progress)).toBe(MIB / 8);
  progress.takenElsewhere(10 * MIB);
  expect(tail.end(progress)).toBe(MIB / 2);
});

test('gives way wholly, and once, to a disk that is full', () => {
  tail.reached(100, 0);
  progress.wantRoom();
  expect(tail.end(progress)).toBe(100);
  expect(tail.end(progress)).toBe(0);
});

test('keeps what a store has lost', () => {
  tail.reached(100, 0);
  tail.reached(200, 30_000);
  tail.fellBack(150);
  progress.wantRoom();
  expect(tail.end(progress)).toBe(150);
  tail.seen(10 * KEEP_MS);
  expect(tail.end(progress)).toBe(100);
});

test('is nothing where nothing is to be kept', () => {
  const none = new KeptTail({ keepMs: 0, bytesMax: Infinity });
  none.reached(100, 0);
  expect(none.end(progress)).toBe(100);
});
