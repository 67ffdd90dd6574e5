/*
 * What recording costs the thread that serves requests, per streamed interception: start,
 * two attempts with their beginnings, what the first event says, usage, prompt and end,
 * 64 at a time, into a real journal on disk.
 * CPU time of this thread alone, so that a busy machine changes little; the median
 * of several rounds. `npm run bench:recording`
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '../src/core/clock.ts';
import { uuidv7 } from '../src/core/ids.ts';
import { Journal } from '../src/recording/journal/journal.ts';
import { JournalProgress } from '../src/recording/journal/journal-progress.ts';
import type { InterceptionRecord } from '../src/recording/journal/journal-record.ts';
import { Recorder } from '../src/recording/journal/recorder.ts';
import { endFacts, startFacts } from '../test/support/record-events.ts';

const CONCURRENCY = 64;
const INTERCEPTIONS = 20_000;
const ROUNDS = 7;
const LIMIT_US = 25;

const clock = new SystemClock();
const directory = await mkdtemp(join(tmpdir(), 'aibridge-bench-'));
const journal = new Journal({
  directory,
  bytesMax: 8 * 1024 ** 3,
  isSynced: false,
  progress: new JournalProgress(),
  clock,
});
const recorder = new Recorder(journal, clock, {
  instanceId: uuidv7(clock.nowMs()),
  contentMode: 'full',
  onFailure: 'refuse',
});

const credential = {
  credentialKind: 'centralized' as const,
  credentialHint: 'sk-a...9f2c',
  credentialFingerprint: '0123456789ab',
};
const tokens = { input: 1_200, output: 345, cacheRead: 10_000, cacheWrite: 0 };

const MESSAGE_ID = 'msg_01XFDUDYJgAACzvnptvVoYEL';
const PROMPT = 'Please explain what this function does and how it could be simplified. '.repeat(6);

const START = startFacts({
  streaming: true,
  userAgent: 'claude-cli/2.0.67 (external, cli)',
  sessionId: '8c0f6a52-77c0-4f0e-9a53-2f4e6b3c2d10',
});
const END = endFacts({
  ...credential,
  durationMs: 812,
  attemptCount: 2,
  failedOver: true,
  tokens,
  firstByteMs: 310,
});

/** What is known when the first event of a stream is there. */
function begunStream(record: InterceptionRecord): void {
  record.prompt({ source: 'user', text: PROMPT });
  record.usageSoFar({ messageId: MESSAGE_ID, ...tokens, output: 1, extra: {} });
  record.flush();
}

async function interception(): Promise<void> {
  const nowMs = clock.nowMs();
  const record = await recorder.start(uuidv7(nowMs), START);
  for (const ordinal of [1, 2]) {
    const status = ordinal === 1 ? 429 : 200;
    const attempt = { ...credential, ordinal, turn: 1, startedAt: nowMs };
    record.attemptBegun(attempt);
    record.headArrived(status);
    if (ordinal === 2) begunStream(record);
    record.attempt({
      ...attempt,
      status,
      outcome: ordinal === 1 ? 'rate_limited' : 'served',
      cooldownMs: ordinal === 1 ? 5_000 : null,
      durationMs: 41,
      error: null,
    });
  }
  record.usage({ messageId: MESSAGE_ID, ...tokens, extra: {} });
  await record.end(END);
}

async function round(): Promise<number> {
  let left = INTERCEPTIONS;
  const before = process.threadCpuUsage();
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await interception();
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, client));
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / INTERCEPTIONS;
}

await round();
const costs: number[] = [];
for (let index = 0; index < ROUNDS; index += 1) costs.push(await round());
await journal.close();
await rm(directory, { recursive: true });

const median = costs.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0;
process.stdout.write(
  `recording: ${median.toFixed(1)} µs of main-thread CPU per interception ` +
    `(median of ${ROUNDS} rounds of ${INTERCEPTIONS}, ${CONCURRENCY} at a time; ` +
    `all: ${costs.map((cost) => cost.toFixed(1)).join(', ')}; limit ${LIMIT_US})\n`,
);
process.exitCode = median <= LIMIT_US ? 0 : 1;
