import { uuidv7 } from '../src/core/ids.ts';
import type { RecordEvent } from '../src/recording/journal/events.ts';
import type { PrismaRecordStore } from '../src/recording/store/prisma-record-store.ts';
import { aStart, aTool, anEnd } from '../test/support/record-events.ts';

const CALLS_PER_BATCH = 500;

export interface ThreadLoad {
  readonly calls: number;
  readonly users: number;
  /** Into how many equal parts the calls are timed. */
  readonly parts: number;
}

/**
 * Calls of agents whose model numbers its tool calls from zero each time, so that all of them are
 * `call_0`; of every other call, the answer that asked for the tool is never recorded. Answers how
 * long each part took to store, in milliseconds.
 */
export async function timeThreads(
  store: PrismaRecordStore,
  { calls, users, parts }: ThreadLoad,
): Promise<number[]> {
  const times: number[] = [];
  const perPart = calls / parts;
  for (let part = 0; part < parts; part += 1) {
    let tookMs = 0;
    for (let done = 0; done < perPart; done += CALLS_PER_BATCH) {
      const first = part * perPart + done;
      const count = Math.min(CALLS_PER_BATCH, perPart - done);
      const events = Array.from({ length: count }, (_, n) => call(first + n, users)).flat();
      const startedMs = performance.now();
      const failure = await store.store(events);
      if (failure !== undefined) throw new Error(failure.reason);
      tookMs += performance.now() - startedMs;
    }
    times.push(tookMs);
  }
  return times;
}

function call(n: number, users: number): RecordEvent[] {
  const user = n % users;
  const at = Date.now();
  const id = uuidv7(at);
  const caller = { initiatorId: `person-${user}@corp`, sessionId: null };
  // Half of the people: of theirs, no answer that asks for a tool is recorded.
  const isParentKnown = user % 2 === 0;
  const tool = aTool({ id, at, rowId: uuidv7(at), toolCallId: 'call_0', ...caller });
  return [
    aStart({ id, at, correlatingToolCallIds: ['call_0'], ...caller }),
    ...(isParentKnown ? [tool] : []),
    anEnd({ id, at: at + 20 }),
  ];
}
