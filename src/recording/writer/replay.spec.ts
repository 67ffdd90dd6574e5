import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeRecordStore } from '../../../test/support/fake-record-store.ts';
import { anEnd, anId, aPrompt, aStart } from '../../../test/support/record-events.ts';
import { tryLockDirectory } from '../../core/directory-lock.ts';
import type { RecordEvent } from '../journal/events.ts';
import { encodeLine } from '../journal/journal-line.ts';
import { setAsideFiles, takeSetAside } from '../journal/set-aside-files.ts';
import { linesOf } from '../journal/line-file.ts';
import { Replay, type Replayed } from './replay.ts';
import { setAside } from './set-aside.ts';

const INSTANCE = anId();

let root: string;
let store: FakeRecordStore;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'aibridge-replay-'));
  store = new FakeRecordStore();
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function given(...events: readonly RecordEvent[]): Promise<void> {
  for (const event of events) await setAside(root, INSTANCE, { event, reason: 'refused' });
}

const replay = (): Promise<Replayed> => new Replay(store, root).run();

async function lines(): Promise<string[]> {
  const found: string[] = [];
  for (const file of await setAsideFiles(root)) {
    for await (const line of linesOf(file)) found.push(line.toString());
  }
  return found;
}

const lineOf = (event: RecordEvent): string => encodeLine(event).trimEnd();

test('stores what the store takes now, once, and keeps nothing of it', async () => {
  const events = [aStart(), aPrompt(), aPrompt()];
  await given(...events);
  expect(await replay()).toEqual({ stored: 3, kept: new Map() });
  expect(await replay()).toEqual({ stored: 0, kept: new Map() });
  expect(store.stored).toEqual(events);
  expect(await lines()).toEqual([]);
});

test('keeps, byte for byte, what still cannot be stored', async () => {
  const [refused, good] = [aPrompt(), aPrompt()];
  await given(refused, good);
  const damaged = Buffer.from('0000000 \u00ff\u0000 garbage');
  const torn = { file: 'a', offset: 0, reason: 'damaged' as const, bytes: damaged };
  await setAside(root, INSTANCE, torn);
  store.refuses = ({ id }) => id === refused.id;
  const { stored, kept } = await replay();
  expect([stored, [...kept.values()]]).toEqual([1, [1, 1]]);
  expect(await lines()).toEqual([lineOf(refused), damaged.toString()]);
  store.refuses = () => false;
  expect(await replay()).toMatchObject({ stored: 1 });
  expect(await lines()).toEqual([damaged.toString()]);
});

test('stores an end after the start that it waits for, wherever that stands', async () => {
  const id = anId();
  const [end, start] = [anEnd({ id }), aStart({ id })];
  await given(end, start);
  store.isUnstarted = (event) =>
    event.kind === 'end' && !store.stored.some((stored) => stored.id === event.id);
  expect(await replay()).toEqual({ stored: 2, kept: new Map() });
  expect(store.stored).toEqual([start, end]);
  expect(store.closed).toEqual([start.instanceId]);
});

test('a store that is away leaves everything where it is', async () => {
  const events = [aStart(), aPrompt()];
  await given(...events);
  store.isAway = true;
  await expect(replay()).rejects.toThrow('the database does not take records');
  expect(await lines()).toEqual(events.map(lineOf));
  store.isAway = false;
  // Set aside in the meantime.
  const later = aPrompt();
  await given(later);
  expect(await replay()).toMatchObject({ stored: 3 });
  expect(store.stored).toEqual([...events, later]);
});

test('carries on what a replay that died has left, and keeps nothing twice', async () => {
  const refused = aPrompt();
  await given(refused);
  const [taken = ''] = await takeSetAside(root);
  await given(refused);
  store.refuses = () => true;
  expect([...(await replay()).kept.values()]).toEqual([1]);
  expect(await lines()).toEqual([lineOf(refused)]);
  expect(await readdir(path.dirname(taken))).toEqual(['lock']);
});

test('there is one at a time', async () => {
  await given(aPrompt());
  await takeSetAside(root);
  const lock = tryLockDirectory(path.join(root, 'set-aside', 'replaying'));
  await expect(replay()).rejects.toThrow('somebody else is at it');
  lock?.release();
  expect(await replay()).toMatchObject({ stored: 1 });
});

test('a line that was cut off costs nothing of the next one', async () => {
  const [first, next] = [aPrompt(), aPrompt()];
  await given(first);
  const [file = ''] = await setAsideFiles(root);
  await writeFile(file, 'cut of', { flag: 'a' });
  await given(next);
  expect(await lines()).toEqual([lineOf(first), 'cut of', lineOf(next)]);
});
