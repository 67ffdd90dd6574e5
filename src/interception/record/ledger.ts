import type { Clock } from '../../core/clock.ts';
import type {
  EndFacts,
  EndStatus,
  InterceptionRecord,
  PromptFacts,
  TokenCounts,
  ToolFacts,
} from '../../recording/index.ts';
import type { Attempt, AttemptWitness, Credential, FinishedAttempt } from '../../upstream/index.ts';
import type { OfferedTool, ToolResult } from '../../mcp/index.ts';
import type { ToolCall } from '../apis/tool-dialect.ts';
import { NOTHING_FOUND, type Findings, type ToolFinding } from '../apis/api.ts';
import { bounded } from './bounded.ts';

export interface Ending {
  readonly status: Exclude<EndStatus, 'interrupted'>;
  readonly error?: { readonly type: string; readonly message: string };
  /** What came of the answer, when there was one. */
  readonly answer?: {
    readonly status: number;
    readonly findings: Findings;
    readonly notes: readonly string[];
    /** Something in the answer could not be read. */
    readonly hasGaps: boolean;
  };
}

export interface Begun {
  /** Monotonic: when the first byte of the request arrived, and when it was there as a whole. */
  readonly receivedMs: number;
  readonly readMs: number;
  readonly prompts: readonly PromptFacts[];
  /** What there is to say of the request. */
  readonly notes: readonly string[];
}

/** Keeps the account of one interception: what happened, in the order in which it did. */
export class Ledger implements AttemptWitness {
  readonly #record: InterceptionRecord;
  readonly #clock: Clock;
  readonly #begun: Omit<Begun, 'prompts'>;
  readonly #keysTried = new Set<string>();
  #attemptCount = 0;
  #waitedMs = 0;
  #waitedForKeyMs = 0;
  #lastCredential: Credential | undefined;
  #attemptUnderWay: Attempt | undefined;
  #firstByteMs: number | undefined;
  #hasEnded = false;
  #turn = 1;
  /** The newest of which is written what its answer says. */
  #saidTurn = 0;
  /** In which the caller got its first byte. */
  #firstByteTurn: number | undefined;
  /** How the first answer names itself, and what the turns before this one came to. */
  #messageId: string | null = null;
  #tokensBefore = NO_TOKENS;
  #isPartial = false;
  readonly #notes: string[] = [];

  constructor(record: InterceptionRecord, clock: Clock, { prompts, ...begun }: Begun) {
    this.#record = record;
    this.#clock = clock;
    this.#begun = begun;
    // They go to the journal with the beginning of the first attempt, before anything goes upstream.
    for (const prompt of prompts) record.prompt(prompt);
  }

  /** From 1 on. */
  get turn(): number {
    return this.#turn;
  }

  /** The number the next attempt gets, from 1 on. */
  nextOrdinal(): number {
    this.#attemptCount += 1;
    return this.#attemptCount;
  }

  attemptBegun(attempt: Attempt): void {
    this.#attemptUnderWay = attempt;
    this.#lastCredential = attempt.credential;
    this.#keysTried.add(attempt.credential.secret.fingerprint);
    this.#record.attemptBegun(attemptStart(attempt, this.#turn));
  }

  headArrived(status: number): void {
    this.#record.headArrived(status);
  }

  attemptFinished(finished: FinishedAttempt): void {
    const { credential, status, outcome, cooldownMs, durationMs, error } = finished;
    this.#attemptUnderWay = undefined;
    this.#waited(finished.waitedMs);
    this.#record.attempt({
      ...attemptStart(finished, this.#turn),
      status,
      outcome,
      cooldownMs,
      durationMs,
      error: error === null ? null : bounded(credential.secret.maskIn(error), 'message'),
    });
  }

  waitedForKey(ms: number): void {
    this.#waited(ms);
    this.#waitedForKeyMs += ms;
  }

  firstByte(): void {
    if (this.#firstByteMs !== undefined) return;
    this.#firstByteMs = this.#clock.monotonicMs();
    this.#firstByteTurn = this.#turn;
  }

  /** A stream has begun, which may be long: what is known by now is to survive the process. */
  streaming({ messageId, usage }: Findings): void {
    if (usage !== undefined) this.#record.usageSoFar({ messageId, ...usage });
    this.#record.flush();
  }

  /**
   * A tool of the bridge's is about to run for an answer, and may when this has resolved. Answers
   * what to call when it has ended.
   */
  async toolBegun(
    findings: Findings,
    { id: toolCallId, input }: Pick<ToolCall, 'id' | 'input'>,
    tool: OfferedTool,
  ): Promise<(result: Pick<ToolResult, 'error' | 'isErrorQuoted' | 'bytes'>) => void> {
    // A process that dies while it runs leaves what the answer has cost.
    this.#said(findings);
    const facts = {
      ...toolFacts(findings.messageId, { toolCallId, tool: '', input }),
      ...ownToolFacts(tool),
    };
    const row = await this.#record.toolBegun({ ...facts, error: NO_RESULT });
    const startedMs = this.#clock.monotonicMs();
    return ({ error, isErrorQuoted = false, bytes }) => {
      const durationMs = Math.round(this.#clock.monotonicMs() - startedMs);
      const told = error === null ? null : bounded(error, 'message');
      const result = { error: told, isErrorQuoted, durationMs, resultBytes: bytes };
      this.#record.tool({ ...facts, ...result }, row);
    };
  }

  /** For whoever reads the record. */
  note(text: string): void {
    this.#notes.push(text);
  }

  /** An answer has come to its end, and another turn follows. `toolsMs`: how long tools have run for it. */
  turnEnded(findings: Findings, { hasGaps, toolsMs }: { hasGaps: boolean; toolsMs: number }): void {
    this.#contents(findings);
    this.#messageId ??= findings.messageId;
    this.#tokensBefore = sumOf(this.#tokensBefore, findings.usage ?? NO_TOKENS);
    this.#isPartial ||= hasGaps || findings.usage === undefined;
    this.#waited(toolsMs);
    this.#turn += 1;
  }

  /** Resolves when the end is recorded. Only the first one counts. */
  async end(ending: Ending): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    // After a fault of ours nobody else does.
    this.#attemptUnderWay?.finish({ outcome: 'aborted' });
    const { findings, status, notes, hasGaps } = ending.answer ?? NO_ANSWER;
    this.#contents(findings);
    await this.#record.end({
      status: ending.status,
      ...errorFacts(ending, this.#lastCredential),
      upstreamStatus: status,
      ...namedBy({ ...findings, messageId: this.#messageId ?? findings.messageId }),
      durationMs: Math.round(this.#clock.monotonicMs() - this.#begun.receivedMs),
      attemptCount: this.#attemptCount,
      failedOver: this.#keysTried.size > 1,
      credentialHint: this.#lastCredential?.secret.hint ?? '',
      credentialFingerprint: this.#lastCredential?.secret.fingerprint ?? null,
      ...this.#usageFacts(findings, ending.status === 'completed' && !hasGaps),
      ...this.#timings(),
      notes: [...this.#begun.notes, ...this.#keyNotes(), ...this.#notes, ...notes],
    });
  }

  #contents(findings: Findings): void {
    this.#said(findings);
    const { messageId, tools } = findings;
    for (const tool of tools) {
      const own = tool.notRun && { ...ownToolFacts(tool.notRun), error: NOT_RUN };
      this.#record.tool({ ...toolFacts(messageId, tool), ...own });
    }
  }

  /** What an answer says but for the tools that it calls: once, whether tools run for it or not. */
  #said({ messageId, usage, thoughts }: Findings): void {
    if (this.#saidTurn === this.#turn) return;
    this.#saidTurn = this.#turn;
    if (usage !== undefined) this.#record.usage({ messageId, ...usage });
    for (const thought of thoughts) this.#record.thought({ messageId, ...thought });
  }

  #waited(ms: number): void {
    // What the caller waited for later than its first byte is not what the bridge cost it till then.
    if (this.#firstByteTurn === undefined || this.#firstByteTurn === this.#turn)
      this.#waitedMs += ms;
  }

  #usageFacts({ usage }: Findings, isWhole: boolean): Pick<EndFacts, 'tokens' | 'usageSource'> {
    const tokens = sumOf(this.#tokensBefore, usage ?? NO_TOKENS);
    if (usage === undefined && this.#turn === 1) return { tokens, usageSource: 'none' };
    const isAll = isWhole && usage !== undefined && !this.#isPartial;
    return { tokens, usageSource: isAll ? 'provider' : 'partial' };
  }

  #keyNotes(): string[] {
    const ms = Math.round(this.#waitedForKeyMs);
    return ms === 0 ? [] : [`waited ${ms} ms for a key`];
  }

  /** What the bridge itself cost: everything up to the first byte but waiting for the provider. */
  #timings(): { firstByteMs: number | null; overheadMs: number } {
    const { receivedMs, readMs } = this.#begun;
    const answeredMs = this.#firstByteMs ?? this.#clock.monotonicMs();
    const overheadMs = Math.max(0, answeredMs - readMs - this.#waitedMs);
    return {
      firstByteMs: this.#firstByteMs === undefined ? null : Math.round(answeredMs - receivedMs),
      overheadMs: Math.round(overheadMs * 100) / 100,
    };
  }
}

function attemptStart(
  { ordinal, credential, startedAtMs }: Attempt | FinishedAttempt,
  turn: number,
) {
  const { kind, secret } = credential;
  return {
    ordinal,
    turn,
    credentialKind: kind,
    credentialHint: secret.hint,
    credentialFingerprint: secret.fingerprint,
    startedAt: startedAtMs,
  };
}

const NO_ANSWER = { findings: NOTHING_FOUND, status: null, notes: [], hasGaps: false };

/** How the answer names itself, and the model that gave it. */
function namedBy({
  messageId,
  servedModel,
}: Findings): Pick<EndFacts, 'messageId' | 'servedModel'> {
  return {
    messageId: messageId && bounded(messageId, 'name'),
    servedModel: servedModel && bounded(servedModel, 'name'),
  };
}

/** Providers name the key that they refuse, be it the caller's own. */
function errorFacts(
  { error }: Ending,
  credential: Credential | undefined,
): Pick<EndFacts, 'errorType' | 'errorMessage'> {
  if (error === undefined) return { errorType: null, errorMessage: null };
  const message = credential?.secret.maskIn(error.message) ?? error.message;
  return { errorType: error.type, errorMessage: bounded(message, 'message') };
}

function sumOf(left: TokenCounts, right: TokenCounts): TokenCounts {
  return {
    input: left.input + right.input,
    output: left.output + right.output,
    cacheRead: left.cacheRead + right.cacheRead,
    cacheWrite: left.cacheWrite + right.cacheWrite,
  };
}

function toolFacts(
  messageId: string | null,
  { toolCallId, tool, input }: Pick<ToolFinding, 'toolCallId' | 'tool' | 'input'>,
): ToolFacts {
  return {
    messageId,
    toolCallId: toolCallId && bounded(toolCallId, 'name'),
    tool: bounded(tool, 'name'),
    serverUrl: null,
    input,
    injected: false,
    error: null,
  };
}

/** By the name that the server knows it by. */
function ownToolFacts({
  tool,
  serverUrl,
}: OfferedTool): Pick<ToolFacts, 'tool' | 'serverUrl' | 'injected'> {
  return { tool: bounded(tool, 'name'), serverUrl, injected: true };
}

/** While a tool runs, and for ever when its process died meanwhile: the server may have done what it was asked. */
const NO_RESULT = 'no result has come';
const NOT_RUN = 'not run';
const NO_TOKENS: TokenCounts = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
