import { mkdtemp, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { dumpName } from './dump-name.ts';
import { DumpRetention } from './dump-retention.ts';

const START = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const ID = '0198c0de-7000-7abc-8def-0123456789ab';

let directory: string;
let clock: FakeClock;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dump-retention-'));
  clock = new FakeClock(START);
});
afterEach(() => rm(directory, { recursive: true }));

function retention(filesMax = 1_000): DumpRetention {
  return new DumpRetention(directory, { filesMax, keepMs: 24 * HOUR, fileBytesMax: 1_024 }, clock);
}

async function put(file: string): Promise<void> {
  await mkdir(dirname(join(directory, file)), { recursive: true });
  await writeFile(join(directory, file), '');
}

/** A pair of files of one attempt, as old as that. */
async function putAttempt(folder: string, ageMs: number): Promise<void> {
  const attempt = { interceptionId: ID, turn: 1, ordinal: 1, startedAtMs: START - ageMs };
  await put(join(folder, dumpName(attempt, 'req')));
  await put(join(folder, dumpName(attempt, 'resp')));
}

async function files(): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((each) => each.isFile()).map((each) => each.name);
}

it('removes what is too old, and the folder that is empty then', async () => {
  await putAttempt('old', 25 * HOUR);
  await putAttempt('both', 25 * HOUR);
  await putAttempt('both', 23 * HOUR);
  await retention().sweep();

  expect(await readdir(directory)).toEqual(['both']);
  expect(await files()).toHaveLength(2);
});

it('removes the oldest of what is too much, all of an attempt together', async () => {
  for (let age = 1; age <= 10; age += 1) await putAttempt(`m${age % 3}`, age * HOUR);
  await retention(10).sweep();

  const ages = (await files()).map((name) => (START - Number.parseInt(name, 10)) / HOUR);
  expect(ages.toSorted((a, b) => a - b)).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
});

it.each([10, 25, 100])('never lets there be more than %i', async (filesMax) => {
  const keeper = retention(filesMax);
  const counts: number[] = [];
  for (let made = 0; made < 3 * filesMax; made += 1) {
    await keeper.makeRoom();
    const attempt = { interceptionId: ID, turn: 1, ordinal: made, startedAtMs: START + made };
    await put(join('m', dumpName(attempt, 'req')));
    counts.push((await files()).length);
  }
  expect(Math.max(...counts)).toBe(filesMax);
  expect(Math.min(...counts.slice(filesMax))).toBeGreaterThanOrEqual(Math.floor(filesMax * 0.9));
});

it('touches nothing but dumps', async () => {
  const others = ['notes.txt', 'm/notes.txt', 'm/1-notes.req.txt', 'm/deep/er.txt'];
  for (const file of others) await put(file);
  await putAttempt('m', 25 * HOUR);
  await putAttempt('m/deep', 25 * HOUR);
  await retention(10).sweep();

  expect((await files()).toSorted()).toHaveLength(others.length + 2);
});

it('makes the directory, for its owner alone', async () => {
  await rm(directory, { recursive: true });
  await retention().sweep();
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
});
