import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { uuidv7 } from '../../core/ids.ts';
import type {
  AttemptEvent,
  ChildRecord,
  ContentMode,
  EndEvent,
  PromptEvent,
  StartEvent,
  ThoughtEvent,
  ToolEvent,
  UsageEvent,
} from './events.ts';
import type { Journal } from './journal.ts';
import { unsealedLine } from './journal-line.ts';

type Stamped = 'kind' | 'id' | 'at' | 'rowId';
export type StartFacts = Omit<StartEvent, Stamped | 'instanceId' | 'contentMode'>;
export type AttemptFacts = Omit<AttemptEvent, Stamped>;
export type UsageFacts = Omit<UsageEvent, Stamped>;
export type PromptFacts = Omit<PromptEvent, Stamped>;
export type ToolFacts = Omit<ToolEvent, Stamped>;
export type ThoughtFacts = Omit<ThoughtEvent, Stamped>;
export type EndFacts = Omit<EndEvent, Stamped>;

/** What a request writes about itself; one per interception, in the order of events. */
export interface InterceptionRecord {
  attempt(facts: AttemptFacts): void;
  usage(facts: UsageFacts): void;
  prompt(facts: PromptFacts): void;
  tool(facts: ToolFacts): void;
  thought(facts: ThoughtFacts): void;
  /** Sends what is known so far to the journal, so that it survives the process. */
  flush(): void;
  /**
   * Resolves when the end is in the journal, or is known to have to wait for it.
   * Only the first end counts.
   */
  end(facts: EndFacts): Promise<void>;
}

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
      const record = new JournalRecord(id, this.journal, this.clock, contentMode);
      if (committed !== undefined) await this.#whenCommitted(record, committed(position));
      return record;
    } catch (error) {
      if (this.options.onFailure === 'refuse') throw error;
      this.#lostRecords += 1;
      return UNRECORDED;
    }
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

/** Lines gather until `flush` or the end, and go to the journal together. */
class JournalRecord implements InterceptionRecord {
  #lines = '';
  #count = 0;
  #hasEnded = false;

  constructor(
    private readonly id: string,
    private readonly journal: Journal,
    private readonly clock: Clock,
    private readonly contentMode: ContentMode,
  ) {}

  attempt(facts: AttemptFacts): void {
    this.#append('attempt', facts);
  }

  usage(facts: UsageFacts): void {
    this.#append('usage', facts);
  }

  prompt(facts: PromptFacts): void {
    this.#append('prompt', { ...facts, text: this.#content(facts.text) });
  }

  tool(facts: ToolFacts): void {
    const input = facts.input === null ? null : this.#content(facts.input);
    this.#append('tool', { ...facts, input });
  }

  thought(facts: ThoughtFacts): void {
    this.#append('thought', { ...facts, text: this.#content(facts.text) });
  }

  async end(facts: EndFacts): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#lines += unsealedLine({ kind: 'end', id: this.id, at: this.clock.nowMs() }, facts);
    this.#count += 1;
    await this.#send();
  }

  flush(): void {
    if (this.#count > 0) void this.#send();
  }

  /** For what gets a row of its own; `rowId` makes writing it twice harmless. */
  #append(kind: ChildRecord['kind'], facts: object): void {
    if (this.#hasEnded) return;
    const at = this.clock.nowMs();
    this.#lines += unsealedLine({ kind, id: this.id, at, rowId: uuidv7(at) }, facts);
    this.#count += 1;
  }

  async #send(): Promise<void> {
    const [lines, count] = [this.#lines, this.#count];
    this.#lines = '';
    this.#count = 0;
    try {
      await this.journal.append(lines, count);
    } catch {
      // The journal keeps the lines and writes them when it can; it reports its own state.
    }
  }

  #content(text: string): string {
    if (this.contentMode === 'full') return text;
    if (this.contentMode === 'none') return '';
    return `sha256:${createHash('sha256').update(text).digest('hex')}`;
  }
}

/** Stands in for the record of a call that is served although it could not be recorded. */
export const UNRECORDED: InterceptionRecord = {
  attempt: () => undefined,
  usage: () => undefined,
  prompt: () => undefined,
  tool: () => undefined,
  thought: () => undefined,
  flush: () => undefined,
  end: () => Promise.resolve(),
};
