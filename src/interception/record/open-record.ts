import type { Clock } from '../../core/clock.ts';
import { BridgeError } from '../../core/errors.ts';
import {
  JournalRefusal,
  UNRECORDED,
  type InterceptionRecord,
  type Recorder,
  type StartFacts,
} from '../../recording/index.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { ObservedRecord, type InterceptionObserver } from './interception-observer.ts';

/** Where the start of an interception is recorded. */
export type StartRecorder = Pick<Recorder, 'start'>;

export interface RecordOptions {
  readonly recorder: () => StartRecorder;
  readonly observers: () => readonly InterceptionObserver[];
  readonly clock: Clock;
  readonly recordsPassthrough: boolean;
}

/**
 * Records the start of an interception and tells the observers of it. Nothing goes
 * upstream before this has resolved; it rejects when the call must not be made.
 */
export async function openRecord(
  exchange: Exchange,
  facts: StartFacts,
  { recorder, observers, clock, recordsPassthrough }: RecordOptions,
): Promise<InterceptionRecord> {
  const readMs = clock.monotonicMs();
  const isRecorded = exchange.match.kind === 'bridged' || recordsPassthrough;
  const record = isRecorded ? await started(recorder(), exchange.id, facts) : UNRECORDED;
  const interception = { exchange, facts, readMs, recordedMs: clock.monotonicMs() };
  const observed = observers().map((observer) => observer.begun(interception));
  return new ObservedRecord(record, observed);
}

async function started(
  recorder: StartRecorder,
  id: string,
  facts: StartFacts,
): Promise<InterceptionRecord> {
  try {
    return await recorder.start(id, facts);
  } catch (error) {
    if (!(error instanceof JournalRefusal)) throw error;
    throw new BridgeError('audit_unavailable', {
      public: 'The call cannot be recorded at the moment, so it was not made.',
      internal: error.message,
      cause: error,
    });
  }
}
