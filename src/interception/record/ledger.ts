import type { Clock } from '../../core/clock.ts';
import type { EndFacts, EndStatus, InterceptionRecord } from '../../recording/index.ts';
import type { Credential, FinishedAttempt } from '../../upstream/index.ts';
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
  };
}

export interface Begun {
  /** Monotonic: when the first byte of the request arrived, and when it was there as a whole. */
  readonly receivedMs: number;
  readonly readMs: number;
  readonly prompt: string | undefined;
}

/** Keeps the account of one interception: what happened, in the order in which it did. */
export class Ledger {
  readonly #record: InterceptionRecord;
  readonly #clock: Clock;
  readonly #begun: Omit<Begun, 'prompt'>;
  readonly #keysTried = new Set<string>();
  #attemptCount = 0;
  #waitedMs = 0;
  #lastCredential: Credential | undefined;
  #firstByteMs: number | undefined;
  /** Until it is recorded; then nobody needs it any more. */
  #prompt: string | undefined;
  #hasEnded = false;

  constructor(record: InterceptionRecord, clock: Clock, { prompt, ...begun }: Begun) {
    this.#record = record;
    this.#clock = clock;
    this.#begun = begun;
    this.#prompt = prompt;
  }

  /** The number the next attempt gets, from 1 on. */
  nextOrdinal(): number {
    this.#attemptCount += 1;
    return this.#attemptCount;
  }

  attempt(finished: FinishedAttempt): void {
    const { kind, secret } = finished.credential;
    this.#lastCredential = finished.credential;
    this.#keysTried.add(secret.fingerprint);
    this.#waitedMs += finished.waitedMs;
    this.#record.attempt({
      ordinal: finished.ordinal,
      turn: 1,
      credentialKind: kind,
      credentialHint: secret.hint,
      credentialFingerprint: secret.fingerprint,
      status: finished.status,
      outcome: finished.outcome,
      cooldownMs: finished.cooldownMs,
      startedAt: finished.startedAtMs,
      durationMs: finished.durationMs,
      error: finished.error === null ? null : bounded(secret.maskIn(finished.error), 'message'),
    });
  }

  firstByte(): void {
    this.#firstByteMs ??= this.#clock.monotonicMs();
  }

  /** A stream has begun, which may be long: what is known by now is to survive the process. */
  streaming(messageId: string): void {
    this.#recordPrompt(messageId);
    this.#record.flush();
  }

  /** Resolves when the end is recorded. Only the first one counts. */
  async end(ending: Ending): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const { findings, status, notes } = ending.answer ?? NO_ANSWER;
    this.#recordPrompt(findings.messageId);
    this.#contents(findings);
    await this.#record.end({
      status: ending.status,
      ...errorFacts(ending, this.#lastCredential),
      upstreamStatus: status,
      durationMs: Math.round(this.#clock.monotonicMs() - this.#begun.receivedMs),
      attemptCount: this.#attemptCount,
      failedOver: this.#keysTried.size > 1,
      credentialHint: this.#lastCredential?.secret.hint ?? '',
      credentialFingerprint: this.#lastCredential?.secret.fingerprint ?? null,
      ...usageFacts(ending.status, findings),
      ...this.#timings(),
      notes,
    });
  }

  #recordPrompt(messageId: string | null): void {
    const text = this.#prompt;
    if (text === undefined) return;
    this.#prompt = undefined;
    this.#record.prompt({ messageId, text });
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

const NO_ANSWER = { findings: NOTHING_FOUND, status: null, notes: [] };

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
  status: EndStatus,
  { usage }: Findings,
): Pick<EndFacts, 'tokens' | 'usageSource'> {
  if (usage === undefined) return { tokens: NO_TOKENS, usageSource: 'none' };
  const { input, output, cacheRead, cacheWrite } = usage;
  const usageSource = status === 'completed' ? 'provider' : 'partial';
  return { tokens: { input, output, cacheRead, cacheWrite }, usageSource };
}

const NO_TOKENS = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
