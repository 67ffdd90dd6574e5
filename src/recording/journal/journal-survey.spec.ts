import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockDirectory } from '../../core/directory-lock.ts';
import { anId } from '../../../test/support/record-events.ts';
import { JournalSurvey } from './journal-survey.ts';
import { segmentName } from './journal-segments.ts';

const OWN = anId();

let root: string;
let adopting: Set<string>;
let survey: JournalSurvey;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'aibridge-survey-'));
  adopting = new Set();
  survey = new JournalSurvey({ root, ownId: OWN, isAdopting: (id) => adopting.has(id) });
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function put(folder: string, name: string, text: string, writtenMs = 0): Promise<void> {
  await mkdir(path.join(root, folder), { recursive: true });
  const file = path.join(root, folder, name);
  await writeFile(file, text);
  await utimes(file, writtenMs / 1_000, writtenMs / 1_000);
}

test('an empty folder holds nothing', async () => {
  await survey.look();
  expect(survey.bytes).toBe(0);
  expect(survey.orphans).toEqual({ bytes: 0, records: 0, sinceMs: Infinity });
});

test('counts all bytes but those of the own journal, and of nothing that is none of ours', async () => {
  await put(OWN, segmentName(0), 'a\n');
  await put(anId(), segmentName(0), 'aa\n');
  await put('late', 'x.log', 'a\n');
  await put('set-aside', 'x.log', 'aaa\n');
  await put('set-aside/replaying', 'x.log', 'aaaa\n');
  await put('lost+found', 'x.log', 'aaaaa\n');
  await survey.weigh();
  expect(survey.bytes).toBe(3 + 2 + 4 + 5);
  await survey.look();
  expect(survey.bytes).toBe(3 + 2 + 4 + 5);
  expect(survey.late.records).toBe(1);
  expect(survey.setAside.records).toBe(2);
});

test('what the dead left waits since their oldest file was written to', async () => {
  const [orphan, living] = [anId(), anId()];
  await put(orphan, segmentName(0), 'a\nb\n', 5_000);
  await put(orphan, segmentName(4), 'c\ntorn', 9_000);
  await put(living, segmentName(0), 'd\n', 1_000);
  const lock = lockDirectory(path.join(root, living));
  await survey.look();
  expect(survey.orphans).toEqual({ bytes: 10, records: 4, sinceMs: 5_000 });
  // This process has taken it, to store it.
  adopting.add(living);
  await survey.look();
  expect(survey.orphans.records).toBe(5);
  lock.release();
  await rm(path.join(root, orphan), { recursive: true });
  await rm(path.join(root, living), { recursive: true });
  await survey.look();
  expect(survey.orphans.records).toBe(0);
  expect(survey.bytes).toBe(0);
});

test('sees what has been added to a file', async () => {
  await put('set-aside', 'x.log', 'a\n');
  await survey.look();
  await put('set-aside', 'x.log', 'a\nb\n');
  await survey.look();
  expect(survey.setAside.records).toBe(2);
});
