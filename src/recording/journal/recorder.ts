import type { Clock } from '../../core/clock.ts';
import type { ContentMode, StartEvent } from './events.ts';
import type { Journal } from './journal.ts';
import { unsealedLine } from './journal-line.ts';
import {
  JournalRecord,
  UNRECORDED,
  type EndFacts,
  type InterceptionRecord,
} from './journal-record.ts';

export type StartFacts = Omit<StartEvent, 'kind' | 'id' | 'at' | 'instanceId' | 'contentMode'>;

export interface RecorderOptions {
  readonly instanceId: string;
  readonly contentMode: ContentMode;
  /** What to do when the journal cannot take a start: turn the call away, or serve it unrecorded. */
  readonly onFailure: 'refuse' | 'continue';
  /** Waits until the position is in the database, where that is asked for; rejects when it takes too long. */
  readonly committed?: (position: number) => Promise<void>;
}

/** Turns what happens to requests into journal lines. Does no other input or output. */
export class Recorder {
  #lostRecords = 0;
  readonly #open = new Set<JournalRecord>();
  readonly #closed = (record: JournalRecord): void => void this.#open.delete(record);

  constructor(
    private readonly journal: Journal,
    private readonly clock: Clock,
    private readonly options: RecorderOptions,
  ) {}

  /** Records that nobody will find in the audit. */
  get lostRecords(): number {
    return this.#lostRecords + this.journal.lostRecords;
  }

  /**
   * Resolves when the start counts as recorded, before which nothing may go
   * upstream. Rejects when it cannot be and `refuse` is the policy.
   */
  async start(id: string, facts: StartFacts): Promise<InterceptionRecord> {
    const { instanceId, contentMode, committed } = this.options;
    const head = { kind: 'start', id, at: this.clock.nowMs() } as const;
    const line = unsealedLine(head, { instanceId, contentMode, ...facts });
    try {
      const position = await this.journal.appendStart(line);
      const onEnd = this.#closed;
      const record = new JournalRecord(id, this.journal, this.clock, {
        caller: facts,
        contentMode,
        onEnd,
      });
      this.#open.add(record);
      if (committed !== undefined) await this.#whenCommitted(record, committed(position));
      return record;
    } catch (error) {
      if (this.options.onFailure === 'refuse') throw error;
      this.#lostRecords += 1;
      return UNRECORDED;
    }
  }

  /**
   * Called again and again: sends what the open records have gathered, and says in the
   * journal that the process lives while it has any. What the dead one leaves is then as
   * old as the last of these.
   */
  pulse(): void {
    if (this.#open.size === 0) return;
    for (const record of this.#open) record.flush();
    const head = { kind: 'alive', id: this.options.instanceId, at: this.clock.nowMs() } as const;
    this.journal.appendLater(unsealedLine(head, { open: this.#open.size }), 1);
  }

  /** A start that is in the journal is not lost; a call that is turned away all the same has ended. */
  async #whenCommitted(record: InterceptionRecord, committed: Promise<void>): Promise<void> {
    try {
      await committed;
    } catch (error) {
      if (this.options.onFailure === 'continue') return;
      void record.end(TURNED_AWAY);
      throw error;
    }
  }
}

const TURNED_AWAY: EndFacts = {
  status: 'failed',
  errorType: 'audit_unavailable',
  errorMessage: 'The start was not committed in time, so the call was not made.',
  upstreamStatus: null,
  messageId: null,
  servedModel: null,
  durationMs: 0,
  attemptCount: 0,
  failedOver: false,
  credentialHint: '',
  credentialFingerprint: null,
  tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
  usageSource: 'none',
  firstByteMs: null,
  overheadMs: null,
  notes: [],
};
