import type { Clock } from '../../core/clock.ts';
import type {
  EndFacts,
  EndStatus,
  InterceptionRecord,
  PromptFacts,
} from '../../recording/index.ts';
import type { Attempt, AttemptWitness, Credential, FinishedAttempt } from '../../upstream/index.ts';
import { NOTHING_FOUND, type Findings } from '../apis/api.ts';
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

  constructor(record: InterceptionRecord, clock: Clock, { prompts, ...begun }: Begun) {
    this.#record = record;
    this.#clock = clock;
    this.#begun = begun;
    // They go to the journal with the beginning of the first attempt, before anything goes upstream.
    for (const prompt of prompts) record.prompt(prompt);
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
    this.#record.attemptBegun(attemptStart(attempt));
  }

  headArrived(status: number): void {
    this.#record.headArrived(status);
  }

  attemptFinished(finished: FinishedAttempt): void {
    const { credential, status, outcome, cooldownMs, durationMs, error } = finished;
    this.#attemptUnderWay = undefined;
    this.#waitedMs += finished.waitedMs;
    this.#record.attempt({
      ...attemptStart(finished),
      status,
      outcome,
      cooldownMs,
      durationMs,
      error: error === null ? null : bounded(credential.secret.maskIn(error), 'message'),
    });
  }

  waitedForKey(ms: number): void {
    this.#waitedMs += ms;
    this.#waitedForKeyMs += ms;
  }

  firstByte(): void {
    this.#firstByteMs ??= this.#clock.monotonicMs();
  }

  /** A stream has begun, which may be long: what is known by now is to survive the process. */
  streaming({ messageId, usage }: Findings): void {
    if (usage !== undefined) this.#record.usageSoFar({ messageId, ...usage });
    this.#record.flush();
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
      ...namedBy(findings),
      durationMs: Math.round(this.#clock.monotonicMs() - this.#begun.receivedMs),
      attemptCount: this.#attemptCount,
      failedOver: this.#keysTried.size > 1,
      credentialHint: this.#lastCredential?.secret.hint ?? '',
      credentialFingerprint: this.#lastCredential?.secret.fingerprint ?? null,
      ...usageFacts(findings, ending.status === 'completed' && !hasGaps),
      ...this.#timings(),
      notes: [...this.#begun.notes, ...this.#keyNotes(), ...notes],
    });
  }

  #contents({ messageId, usage, tools, thoughts }: Findings): void {
    if (usage !== undefined) this.#record.usage({ messageId, ...usage });
    for (const { toolCallId, tool, input } of tools) {
      this.#record.tool({
        messageId,
        toolCallId: toolCallId && bounded(toolCallId, 'name'),
        tool: bounded(tool, 'name'),
        serverUrl: null,
        input,
        injected: false,
        error: null,
      });
    }
    for (const thought of thoughts) this.#record.thought({ messageId, ...thought });
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

function attemptStart({ ordinal, credential, startedAtMs }: Attempt | FinishedAttempt) {
  const { kind, secret } = credential;
  return {
    ordinal,
    turn: 1,
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

function usageFacts(
  { usage }: Findings,
  isWhole: boolean,
): Pick<EndFacts, 'tokens' | 'usageSource'> {
  if (usage === undefined) return { tokens: NO_TOKENS, usageSource: 'none' };
  const { input, output, cacheRead, cacheWrite } = usage;
  const usageSource = isWhole ? 'provider' : 'partial';
  return { tokens: { input, output, cacheRead, cacheWrite }, usageSource };
}

const NO_TOKENS = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
