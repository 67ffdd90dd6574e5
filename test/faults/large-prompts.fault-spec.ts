import { constants } from 'node:buffer';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { SystemClock } from '../../src/core/clock.ts';
import { encodeLine } from '../../src/recording/journal/journal-line.ts';
import { JournalProgress } from '../../src/recording/journal/journal-progress.ts';
import { JournalReader } from '../../src/recording/journal/journal-reader.ts';
import { Journal } from '../../src/recording/journal/journal.ts';
import { aPrompt } from '../support/record-events.ts';

const MIB = 1024 * 1024;

// Joined they are longer than a string can be, which would cost all of them but the first two.
test('twenty prompts that are queued at once are all recorded, however large they are', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'aibridge-large-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const journal = new Journal({
    directory,
    bytesMax: 2 * 1024 * MIB,
    isSynced: false,
    progress: new JournalProgress(),
    clock: new SystemClock(),
  });
  const event = aPrompt({ text: 'x'.repeat(40 * MIB) });
  const line = encodeLine(event);
  expect(line.length * 20).toBeGreaterThan(constants.MAX_STRING_LENGTH);
  await Promise.all(Array.from({ length: 20 }, () => journal.append(line, 1)));
  await journal.close();
  expect(journal.lostRecords).toBe(0);

  const reader = new JournalReader(directory);
  let count = 0;
  for (let batch = await reader.next(); batch; batch = await reader.next()) {
    count += batch.events.length;
    expect(batch.damaged).toEqual([]);
  }
  await reader.close();
  expect(count).toBe(20);
}, 120_000);
