import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { FakeRecordStore } from '../../../test/support/fake-record-store.ts';
import { aPrompt } from '../../../test/support/record-events.ts';
import { until } from '../../../test/support/until.ts';
import { tryLockDirectory } from '../../core/directory-lock.ts';
import { lateRecords, LateLane, putLate } from './late-lane.ts';
import type { SetAside } from './set-aside.ts';

let root: string;
let store: FakeRecordStore;
let setAside: SetAside[];
let failures: string[];

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'aibridge-late-'));
  store = new FakeRecordStore();
  setAside = [];
  failures = [];
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

/** A lane at work until `task` is done. */
async function whileOpen(task: () => unknown): Promise<void> {
  const reports = {
    setAside: (what: SetAside) => {
      setAside.push(what);
      return Promise.resolve();
    },
    storedLate: () => undefined,
    failed: (what: string, reason: string) => void failures.push(`${what}: ${reason}`),
  };
  const stop = new AbortController();
  const running = new LateLane(store, reports, root).run(stop.signal);
  try {
    await task();
  } finally {
    stop.abort();
    await running;
  }
}

const isEmpty = async () => ((await lateRecords(root)).length === 0 ? true : undefined);

test('stores what any process has put by, each once, and keeps nothing of it', async () => {
  const [first, second] = [aPrompt(), aPrompt()];
  for (const event of [first, second, first]) await putLate(root, event);
  await whileOpen(() => until('nothing is late', isEmpty));
  expect(store.stored).toEqual([first, second]);
});

test.each(['away', 'slow'])('keeps what a store that is %s does not take', async (what) => {
  const event = aPrompt();
  await putLate(root, event);
  store.isAway = what === 'away';
  store.isSlow = () => what === 'slow';
  await whileOpen(() => until('a failure', () => failures[0]));
  expect(await lateRecords(root)).toHaveLength(1);

  store.isAway = false;
  store.isSlow = () => false;
  await whileOpen(() => until('nothing is late', isEmpty));
  expect(store.stored).toEqual([event]);
});

test('what got no answer the last time comes after the others', async () => {
  const [silent, other] = [aPrompt(), aPrompt()];
  await putLate(root, silent);
  store.isSilent = ([event]) => event?.id === silent.id;
  const asked: (string | undefined)[] = [];
  store.isSlow = ([event]) => {
    asked.push(event?.id);
    return false;
  };
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  await whileOpen(async () => {
    await until('a failure', () => failures[0]);
    await putLate(root, other);
    store.isSilent = () => false;
    await until('nothing is late', async () => {
      await vi.advanceTimersByTimeAsync(20_000);
      return isEmpty();
    });
  });
  expect(asked).toEqual([other.id, silent.id]);
});

test('sets aside what the store will never take, and what cannot be read', async () => {
  const [refused, damaged] = [aPrompt(), aPrompt()];
  store.refuses = ({ id }) => id === refused.id;
  await putLate(root, refused);
  const file = await putLate(root, damaged);
  await writeFile(file, (await readFile(file, 'utf8')).replace('alice', 'mallory').slice(1));
  await whileOpen(() => until('nothing is late', isEmpty));
  expect(setAside).toMatchObject([{ event: refused }, { reason: 'damaged', file }]);
  expect(store.stored).toEqual([]);
});

test('leaves alone what another process is at', async () => {
  await putLate(root, aPrompt());
  const lock = tryLockDirectory(path.join(root, 'late'));
  await whileOpen(() => undefined);
  lock?.release();
  expect(store.stored).toEqual([]);
  expect(await readdir(root)).toEqual(['late']);
});
