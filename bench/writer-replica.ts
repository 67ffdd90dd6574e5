import { once } from 'node:events';
import { createPrismaClient } from '../src/database/connection/prisma-client.ts';
import type { RecordEvent } from '../src/recording/journal/events.ts';
import { PrismaRecordStore } from '../src/recording/store/prisma-record-store.ts';
import { uuidv7 } from '../src/core/ids.ts';
import {
  anAttempt,
  anEnd,
  aPrompt,
  aStart,
  aThought,
  aTool,
  aUsage,
} from '../test/support/record-events.ts';

/*
 * One replica's writer for bench/writer.ts, without what comes before it: its batches are made
 * before the clock starts. Says how many interceptions it has stored.
 */
const PROMPT = 'Please explain what this function does and how it could be simplified. '.repeat(6);
const BATCH_CALLS = 300;
const USERS = 6_000;

const [url = '', batchCount = '0', replica = '0'] = process.argv.slice(2);
const prisma = createPrismaClient(url, { poolMax: 2 });
const store = new PrismaRecordStore(prisma);
const calls = Array.from({ length: Number(batchCount) * BATCH_CALLS }, (_, n) => call(n));
const batches = Array.from({ length: Number(batchCount) }, (_, n) => batch(n));
// The first one opens the connection and makes room.
await stored(batches[0] ?? []);
process.send?.('ready');
process.once('message', () => void run());

async function run(): Promise<void> {
  for (const events of batches.slice(1)) await stored(events);
  process.send?.(BATCH_CALLS * (batches.length - 1));
  await once(process, 'message');
  await prisma.$disconnect();
  process.disconnect();
}

async function stored(events: readonly RecordEvent[]): Promise<void> {
  const failure = await store.store(events);
  if (failure !== undefined) throw new Error(failure.reason);
}

function isLong(place: number): boolean {
  return place % 2 === 1;
}

/** Of every other call, the end is in the batch after. */
function batch(n: number): RecordEvent[] {
  const own = calls.slice(n * BATCH_CALLS, (n + 1) * BATCH_CALLS);
  const before = calls.slice(Math.max(0, n - 1) * BATCH_CALLS, n * BATCH_CALLS);
  return [
    ...before.flatMap(({ end }, place) => (isLong(place) ? [end] : [])),
    ...own.flatMap(({ events, end }, place) => (isLong(place) ? events : [...events, end])),
  ];
}

/** Of agents whose model numbers its tool calls from zero each time; half of the callers are unknown. */
function call(n: number): { events: RecordEvent[]; end: RecordEvent } {
  const at = Date.now();
  const id = uuidv7(at);
  const user = (n * 7 + Number(replica)) % USERS;
  const caller = { initiatorId: `person-${user}@corp`, sessionId: `session-${user}` };
  const row = { id, at, rowId: uuidv7(at) };
  const key = { credentialHint: 'sk-a...9f2c', credentialFingerprint: '0123456789ab' };
  return {
    events: [
      aStart({ id, at, model: `model-${n % 5}`, correlatingToolCallIds: ['call_0'], ...caller }),
      anAttempt({ ...row, ...key }),
      aPrompt({ ...row, text: `${n} ${PROMPT}` }),
      aUsage(row),
      ...(user % 2 === 0 ? [aTool({ ...row, toolCallId: 'call_0', ...caller })] : []),
      ...(n % 4 === 0 ? [aThought(row)] : []),
    ],
    end: anEnd({ id, at: at + 20, ...key }),
  };
}
