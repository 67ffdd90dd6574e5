import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { uuidv7 } from '../../core/ids.ts';
import type {
  AttemptEvent,
  AttemptSoFarEvent,
  ChildRecord,
  ContentMode,
  EndEvent,
  PromptEvent,
  ThoughtEvent,
  ToolEvent,
  UsageEvent,
} from './events.ts';
import type { Journal } from './journal.ts';
import { lineOfMembers, membersOf, unsealedLine } from './journal-line.ts';

type Stamped = 'kind' | 'id' | 'at' | 'rowId';
/** Who made the call, and in which session. */
export type Caller = Pick<ToolEvent, 'initiatorId' | 'sessionId'>;
/** What is known of an attempt from its beginning on. */
export type AttemptStart = Omit<AttemptSoFarEvent, Stamped | 'status'>;
export type AttemptFacts = Omit<AttemptEvent, Stamped>;
export type UsageFacts = Omit<UsageEvent, Stamped>;
export type PromptFacts = Omit<PromptEvent, Stamped>;
export type ToolFacts = Omit<ToolEvent, Stamped | keyof Caller> & {
  /** The error is what the tool said, which is content like its input. */
  readonly isErrorQuoted?: boolean;
};
/** Where the beginning of a tool was written. */
export type ToolRow = string | undefined;
export type ThoughtFacts = Omit<ThoughtEvent, Stamped>;
export type EndFacts = Omit<EndEvent, Stamped>;

/** What a request writes about itself; one per interception, in the order of events. */
export interface InterceptionRecord {
  /** Goes to the journal at once, so that the key is named even if the process does not live on. */
  attemptBegun(facts: AttemptStart): void;
  /** The head of an answer to the attempt that began last. */
  headArrived(status: number): void;
  /** The end of the attempt that began last. */
  attempt(facts: AttemptFacts): void;
  /** What is known of the usage before the answer is there. */
  usageSoFar(facts: UsageFacts): void;
  usage(facts: UsageFacts): void;
  prompt(facts: PromptFacts): void;
  /**
   * A tool that the bridge is about to run. Resolves when that is in the journal, or is known to
   * have to wait for it: then the tool may run.
   */
  toolBegun(facts: ToolFacts): Promise<ToolRow>;
  /** `row`: of the tool's beginning, where that was recorded. */
  tool(facts: ToolFacts, row?: ToolRow): void;
  thought(facts: ThoughtFacts): void;
  /** Sends what is known so far to the journal, so that it survives the process. */
  flush(): void;
  /**
   * Resolves when the end is in the journal, or is known to have to wait for it.
   * Only the first end counts.
   */
  end(facts: EndFacts): Promise<void>;
}

interface JournalRecordOptions {
  readonly caller: Caller;
  readonly contentMode: ContentMode;
  readonly onEnd: (record: JournalRecord) => void;
}

/** Characters. What is longer does not wait for more: strings have a limit, and memory as well. */
const GATHERED_MAX = 8 * 1024 * 1024;

/** In place of what a tool said of it, where no contents are kept. */
const FAILED = 'the tool failed';

/** Lines gather until `flush` or the end, and go to the journal together. */
export class JournalRecord implements InterceptionRecord {
  #lines = '';
  #count = 0;
  #hasEnded = false;
  /** Rows that are written again when more is known of them. */
  #attempt: { readonly rowId: string; readonly members: string } | undefined;
  #usageRow: string | undefined;
  /** Of the head of an answer, which is no line of its own when the attempt ends soon after. */
  #unwrittenStatus: number | undefined;

  constructor(
    private readonly id: string,
    private readonly journal: Journal,
    private readonly clock: Clock,
    private readonly options: JournalRecordOptions,
  ) {}

  attemptBegun(facts: AttemptStart): void {
    this.#attempt = { rowId: uuidv7(this.clock.nowMs()), members: membersOf(facts) };
    this.#attemptSoFar(null);
    this.flush();
  }

  headArrived(status: number): void {
    this.#unwrittenStatus = status;
  }

  attempt(facts: AttemptFacts): void {
    if (this.#attempt === undefined) {
      this.#append('attempt', membersOf(facts));
      return;
    }
    const { rowId, members } = this.#attempt;
    const { status, outcome, cooldownMs, durationMs, error } = facts;
    const end = membersOf({ status, outcome, cooldownMs, durationMs, error });
    this.#append('attempt', `${members},${end}`, rowId);
    this.#unwrittenStatus = undefined;
    this.#attempt = undefined;
  }

  usageSoFar(facts: UsageFacts): void {
    this.#usageRow = this.#append('usage_so_far', membersOf(facts));
  }

  usage(facts: UsageFacts): void {
    this.#append('usage', membersOf(facts), this.#usageRow);
    this.#usageRow = undefined;
  }

  prompt(facts: PromptFacts): void {
    this.#append('prompt', membersOf({ ...facts, text: this.#content(facts.text) }));
  }

  /** What a tool does stays done when the process dies. */
  async toolBegun(facts: ToolFacts): Promise<ToolRow> {
    const row = this.#tool(facts, undefined);
    await this.#written();
    return row;
  }

  tool(facts: ToolFacts, row?: ToolRow): void {
    this.#tool(facts, row);
  }

  thought(facts: ThoughtFacts): void {
    this.#append('thought', membersOf({ ...facts, text: this.#content(facts.text) }));
  }

  async end(facts: EndFacts): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.options.onEnd(this);
    this.#lines += unsealedLine({ kind: 'end', id: this.id, at: this.clock.nowMs() }, facts);
    this.#count += 1;
    await this.#written();
  }

  flush(): void {
    if (this.#unwrittenStatus !== undefined) this.#attemptSoFar(this.#unwrittenStatus);
    if (this.#count > 0) this.journal.appendLater(...this.#takeLines());
  }

  /** Everything that there is, or is known to have to wait. */
  async #written(): Promise<void> {
    try {
      await this.journal.append(...this.#takeLines());
    } catch {
      // The journal keeps the lines and writes them when it can; it reports its own state.
    }
  }

  #attemptSoFar(status: number | null): void {
    this.#unwrittenStatus = undefined;
    if (this.#attempt === undefined) return;
    const { rowId, members } = this.#attempt;
    this.#append('attempt_so_far', `${members},"status":${status}`, rowId);
  }

  #tool({ isErrorQuoted = false, ...facts }: ToolFacts, row: ToolRow): ToolRow {
    const input = facts.input === null ? null : this.#content(facts.input);
    const error =
      facts.error !== null && isErrorQuoted ? this.#content(facts.error) || FAILED : facts.error;
    const { initiatorId, sessionId } = this.options.caller;
    return this.#append('tool', membersOf({ initiatorId, sessionId, ...facts, input, error }), row);
  }

  /** For what gets a row of its own; `rowId` makes writing it twice harmless. */
  #append(kind: ChildRecord['kind'], members: string, knownRow?: string): string | undefined {
    if (this.#hasEnded) return undefined;
    const at = this.clock.nowMs();
    const rowId = knownRow ?? uuidv7(at);
    this.#lines += lineOfMembers({ kind, id: this.id, at, rowId }, members);
    this.#count += 1;
    if (this.#lines.length > GATHERED_MAX) this.journal.appendLater(...this.#takeLines());
    return rowId;
  }

  #takeLines(): [lines: string, count: number] {
    const taken: [string, number] = [this.#lines, this.#count];
    this.#lines = '';
    this.#count = 0;
    return taken;
  }

  #content(text: string): string {
    const { contentMode } = this.options;
    if (contentMode === 'full') return text;
    if (contentMode === 'none') return '';
    return `sha256:${createHash('sha256').update(text).digest('hex')}`;
  }
}

/** Stands in for the record of a call that is served although it could not be recorded. */
export const UNRECORDED: InterceptionRecord = {
  attemptBegun: () => undefined,
  headArrived: () => undefined,
  attempt: () => undefined,
  usageSoFar: () => undefined,
  usage: () => undefined,
  prompt: () => undefined,
  toolBegun: () => Promise.resolve(undefined),
  tool: () => undefined,
  thought: () => undefined,
  flush: () => undefined,
  end: () => Promise.resolve(),
};
