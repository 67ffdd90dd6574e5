import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SystemClock } from '../../core/clock.ts';
import { anEnd, aStart } from '../../../test/support/record-events.ts';
import type { ContentMode, RecordEvent } from './events.ts';
import { Journal, JournalRefusal } from './journal.ts';
import { JournalProgress } from './journal-progress.ts';
import { JournalReader } from './journal-reader.ts';
import { Recorder, type RecorderOptions } from './recorder.ts';

const clock = new SystemClock();
const INSTANCE_ID = '01a00000-0000-7000-8000-000000000001';
const OTHER_ID = '01a1fb65-655c-7686-930f-5e15179d0377';
const ID = '01a1fb65-655c-7686-930f-5e15179d0376';
let directory: string;
let journal: Journal;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'aibridge-recorder-'));
  const progress = new JournalProgress();
  journal = new Journal({ directory, bytesMax: 1024 * 1024, isSynced: true, progress, clock });
});

afterEach(async () => {
  await journal.close();
  await rm(directory, { recursive: true, force: true });
});

function aRecorder(options: Partial<RecorderOptions> = {}): Recorder {
  return new Recorder(journal, clock, {
    instanceId: INSTANCE_ID,
    contentMode: 'full',
    onFailure: 'refuse',
    ...options,
  });
}

async function journaled(): Promise<RecordEvent[]> {
  const reader = new JournalReader(directory);
  const batch = await reader.next();
  await reader.close();
  return [...(batch?.events ?? [])];
}

const { kind: _k, id: _i, at: _a, instanceId: _n, contentMode: _c, ...START } = aStart();
const { kind: _ek, id: _ei, at: _ea, ...END } = anEnd();

test('a start is in the journal when it resolves', async () => {
  await aRecorder().start(ID, START);
  expect(await journaled()).toMatchObject([{ kind: 'start', id: ID }]);
});

// A process that is killed while a tool runs must leave what it has asked for.
test('the beginning of a tool is in the journal when it resolves', async () => {
  const record = await aRecorder().start(ID, START);
  const tool = { messageId: 'm', toolCallId: 'call_1', tool: 'read', serverUrl: null, input: '{}' };
  await record.toolBegun({ ...tool, injected: true, error: 'no result has come' });
  expect((await journaled()).map(({ kind }) => kind)).toEqual(['start', 'tool']);
});

test('an end is in the journal when it resolves, after everything that belongs to it', async () => {
  const record = await aRecorder().start(ID, START);
  record.prompt({ source: 'user', text: 'hi' });
  record.usage({ messageId: 'm', input: 1, output: 2, cacheRead: 0, cacheWrite: 0, extra: {} });
  await record.end(END);
  expect((await journaled()).map(({ kind }) => kind)).toEqual(['start', 'prompt', 'usage', 'end']);
});

test('only the first end counts, and nothing is added after it', async () => {
  const record = await aRecorder().start(ID, START);
  await record.end(END);
  await record.end({ ...END, status: 'failed' });
  record.prompt({ source: 'user', text: 'late' });
  record.flush();
  expect(await journaled()).toMatchObject([
    { kind: 'start' },
    { kind: 'end', status: 'completed' },
  ]);
});

test('what is flushed is there before the end', async () => {
  const record = await aRecorder().start(ID, START);
  record.prompt({ source: 'user', text: 'hi' });
  record.flush();
  record.thought({ messageId: null, source: 'thinking', text: 'hm' });
  await record.end(END);
  expect((await journaled()).map(({ kind }) => kind)).toEqual([
    'start',
    'prompt',
    'thought',
    'end',
  ]);
});

// Large prompts of one call would be longer together than a string can be.
test('what is large does not gather until the end', async () => {
  const record = await aRecorder().start(ID, START);
  record.prompt({ source: 'user', text: 'x'.repeat(9 * 1024 * 1024) });
  await journal.close();
  expect(journal.position).toBeGreaterThan(9 * 1024 * 1024);
});

const ATTEMPT = {
  ordinal: 1,
  turn: 1,
  credentialKind: 'centralized',
  credentialHint: 'sk-a...0001',
  credentialFingerprint: '0123456789ab',
  startedAt: clock.nowMs(),
} as const;
const SERVED = { outcome: 'served', cooldownMs: null, durationMs: 5, error: null } as const;
const USAGE = { messageId: 'm', input: 1, output: 2, cacheRead: 0, cacheWrite: 0, extra: {} };

describe('an attempt', () => {
  test('is named in the journal when it begins, and has one row from then to its end', async () => {
    const record = await aRecorder().start(ID, START);
    record.attemptBegun(ATTEMPT);
    // What is written later is there, so this is, too.
    await aRecorder().start(OTHER_ID, START);
    const [, begun] = await journaled();
    expect(begun).toMatchObject({ kind: 'attempt_so_far', ...ATTEMPT, status: null });
    record.headArrived(200);
    record.attempt({ ...ATTEMPT, ...SERVED, status: 200 });
    await record.end(END);
    const [, , , attempt] = await journaled();
    expect(attempt).toMatchObject({ kind: 'attempt', ...ATTEMPT, ...SERVED, status: 200 });
    expect(rowsOf([attempt])).toEqual(rowsOf([begun]));
  });

  test('tells of the head of its answer with the next that is flushed, if it lasts so long', async () => {
    const record = await aRecorder().start(ID, START);
    record.attemptBegun(ATTEMPT);
    record.headArrived(429);
    record.attempt({ ...ATTEMPT, ...SERVED, outcome: 'rate_limited', status: 429 });
    record.attemptBegun({ ...ATTEMPT, ordinal: 2 });
    record.headArrived(200);
    record.flush();
    await record.end(END);
    expect(await journaled()).toMatchObject([
      { kind: 'start' },
      { kind: 'attempt_so_far', ordinal: 1, status: null },
      { kind: 'attempt', ordinal: 1, status: 429 },
      { kind: 'attempt_so_far', ordinal: 2, status: null },
      { kind: 'attempt_so_far', ordinal: 2, status: 200 },
      { kind: 'end' },
    ]);
  });
});

test('usage that is known early has the row of the usage that is known at the end', async () => {
  const record = await aRecorder().start(ID, START);
  record.usageSoFar({ ...USAGE, output: 1 });
  record.usage(USAGE);
  await record.end(END);
  const [, soFar, usage] = await journaled();
  expect([soFar, usage]).toMatchObject([
    { kind: 'usage_so_far', output: 1 },
    { kind: 'usage', output: 2 },
  ]);
  expect(rowsOf([soFar])).toEqual(rowsOf([usage]));
});

test('a pulse sends what has gathered and says that the process lives, as long as something is open', async () => {
  const recorder = aRecorder();
  const record = await recorder.start(ID, START);
  record.prompt({ source: 'user', text: 'hi' });
  recorder.pulse();
  await record.end(END);
  recorder.pulse();
  expect(await journaled()).toMatchObject([
    { kind: 'start' },
    { kind: 'prompt' },
    { kind: 'alive', id: INSTANCE_ID, open: 1 },
    { kind: 'end' },
  ]);
});

function rowsOf(events: readonly (RecordEvent | undefined)[]): string[] {
  return events.flatMap((event) => (event && 'rowId' in event ? [event.rowId] : []));
}

function sha(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

describe('content mode', () => {
  const modes: [ContentMode, string, string][] = [
    ['full', 'secret plan', '{"a":1}'],
    ['hash', sha('secret plan'), sha('{"a":1}')],
    ['none', '', ''],
  ];

  // What a tool says of its failure is its result, and may hold what it was asked for.
  test.each(modes)('%s, of what tools say when they fail', async (contentMode, text) => {
    const record = await aRecorder({ contentMode }).start(ID, START);
    const ran = { messageId: null, toolCallId: 't', tool: 'run', serverUrl: 'https://tools/' };
    const run = { ...ran, input: null, injected: true };
    record.tool({ ...run, error: 'secret plan', isErrorQuoted: true });
    record.tool({ ...run, error: 'it did not answer' });
    await record.end(END);
    const [, said, own] = await journaled();
    expect([said, own]).toMatchObject([
      { error: text || 'the tool failed' },
      { error: 'it did not answer' },
    ]);
    expect(said).not.toHaveProperty('isErrorQuoted');
  });

  test.each(modes)('%s', async (contentMode, text, input) => {
    const record = await aRecorder({ contentMode }).start(ID, START);
    record.prompt({ source: 'user', text: 'secret plan' });
    record.thought({ messageId: null, source: 'thinking', text: 'secret plan' });
    record.tool({
      messageId: null,
      toolCallId: 't',
      tool: 'run',
      serverUrl: null,
      input: '{"a":1}',
      injected: false,
      error: null,
    });
    await record.end(END);
    expect(await journaled()).toMatchObject([
      { kind: 'start', contentMode },
      { kind: 'prompt', text },
      { kind: 'thought', text },
      { kind: 'tool', tool: 'run', input },
      { kind: 'end' },
    ]);
  });
});

describe('a journal that refuses', () => {
  beforeEach(async () => {
    await rm(directory, { recursive: true });
  });

  test('refuses the call where no audit means no call', async () => {
    await expect(aRecorder().start(ID, START)).rejects.toThrow(JournalRefusal);
  });

  test('lets the call go on and counts it as lost where that is asked for', async () => {
    const recorder = aRecorder({ onFailure: 'continue' });
    const record = await recorder.start(ID, START);
    await record.end(END);
    expect(recorder.lostRecords).toBe(1);
  });
});

function tooLate(): Promise<void> {
  return Promise.reject(new JournalRefusal('too late'));
}

describe('durability `database`', () => {
  test('a start that is not committed in time is turned away, and its record is closed', async () => {
    await expect(aRecorder({ committed: tooLate }).start(ID, START)).rejects.toThrow('too late');
    await journal.close();
    expect(await journaled()).toMatchObject([
      { kind: 'start' },
      { kind: 'end', status: 'failed', errorType: 'audit_unavailable' },
    ]);
  });

  test('is recorded all the same where calls go on without it', async () => {
    const recorder = aRecorder({ committed: tooLate, onFailure: 'continue' });
    const record = await recorder.start(ID, START);
    await record.end(END);
    expect((await journaled()).map(({ kind }) => kind)).toEqual(['start', 'end']);
    expect(recorder.lostRecords).toBe(0);
  });
});
