import type { AttemptOutcome, CredentialKind } from '../../core/attempt-outcome.ts';
import type { ApiName } from '../../core/api-name.ts';

/**
 * What the recorder writes to the journal, one event a line. These shapes are a
 * file format: a field may be added, none may change its meaning. `JOURNAL_VERSION`
 * goes up when an old program could misread a new line.
 */
export const JOURNAL_VERSION = 1;

/** `interrupted` is never written by a living process: it is concluded about a dead one. */
export type EndStatus = 'completed' | 'failed' | 'aborted' | 'interrupted';
export type UsageSource = 'provider' | 'partial' | 'none';
export type ContentMode = 'full' | 'hash' | 'none';
/** Whose words: the person's, or what a client put beside them. */
export type PromptSource = 'user' | 'machine';
/** What a client makes a call for: the conversation, or something of its own beside it. */
export type Purpose =
  | 'main'
  | 'subagent'
  | 'title'
  | 'compact'
  | 'count_tokens'
  | 'suggestion'
  | 'search'
  | 'fetch'
  | 'quota'
  | 'helper';
export type ThoughtSource = 'thinking' | 'reasoning_summary' | 'commentary';

interface EventBase {
  /** The interception. */
  readonly id: string;
  /** Wall time in epoch milliseconds. */
  readonly at: number;
}

export interface StartEvent extends EventBase {
  readonly kind: 'start';
  readonly instanceId: string;
  readonly initiatorId: string;
  readonly initiatorMetadata: Readonly<Record<string, string>>;
  readonly providerType: string;
  readonly providerName: string;
  readonly model: string;
  readonly requestedModel: string;
  /** What the client made the call for, as far as that shows; `main` when in doubt. */
  readonly purpose: Purpose;
  readonly api: ApiName;
  readonly route: string;
  readonly method: string;
  readonly streaming: boolean;
  readonly client: string;
  readonly userAgent: string;
  readonly sessionId: string | null;
  /** The tool calls whose results this request carries: they link it to the answer that asked for them. */
  readonly correlatingToolCallIds: readonly string[];
  readonly credentialKind: CredentialKind;
  readonly credentialHint: string;
  readonly credentialFingerprint: string | null;
  readonly contentMode: ContentMode;
}

/** A row of its own beside the interception; `rowId` makes writing it twice harmless. */
interface ChildEvent extends EventBase {
  readonly rowId: string;
}

interface BegunAttempt extends ChildEvent {
  readonly ordinal: number;
  readonly turn: number;
  readonly credentialKind: CredentialKind;
  readonly credentialHint: string;
  readonly credentialFingerprint: string | null;
  readonly status: number | null;
  readonly startedAt: number;
}

/**
 * An attempt that is under way, written when it begins and again when the head of
 * the answer is there. Superseded by the `attempt` of the same row, whichever the
 * database hears of first.
 */
export interface AttemptSoFarEvent extends BegunAttempt {
  readonly kind: 'attempt_so_far';
}

export interface AttemptEvent extends BegunAttempt {
  readonly kind: 'attempt';
  readonly outcome: AttemptOutcome;
  readonly cooldownMs: number | null;
  readonly durationMs: number;
  readonly error: string | null;
}

export interface TokenCounts {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

interface CountedUsage extends ChildEvent, TokenCounts {
  readonly messageId: string | null;
  readonly extra: Readonly<Record<string, number>>;
}

/** What the beginning of an answer says of its usage. Superseded by the `usage` of the same row. */
export interface UsageSoFarEvent extends CountedUsage {
  readonly kind: 'usage_so_far';
}

export interface UsageEvent extends CountedUsage {
  readonly kind: 'usage';
}

/** Recorded before anything has gone upstream, so of the answer nothing is known. */
export interface PromptEvent extends ChildEvent {
  readonly kind: 'prompt';
  readonly source: PromptSource;
  readonly text: string;
}

export interface ToolEvent extends ChildEvent {
  readonly kind: 'tool';
  /** Of the interception: a later one that carries the result is linked to it by these. */
  readonly initiatorId: string;
  readonly sessionId: string | null;
  readonly messageId: string | null;
  readonly toolCallId: string | null;
  readonly tool: string;
  readonly serverUrl: string | null;
  /** Raw JSON as the model sent it, or a plain string where it is none. */
  readonly input: string | null;
  /** The bridge offered the tool, and ran it. Written when that begins and again, as the same row, at its end. */
  readonly injected: boolean;
  readonly error: string | null;
  /** How long the bridge ran it, and how large the result is, once it has ended. */
  readonly durationMs?: number;
  readonly resultBytes?: number;
}

export interface ThoughtEvent extends ChildEvent {
  readonly kind: 'thought';
  readonly messageId: string | null;
  readonly source: ThoughtSource;
  readonly text: string;
}

export interface EndEvent extends EventBase {
  readonly kind: 'end';
  readonly status: EndStatus;
  readonly errorType: string | null;
  readonly errorMessage: string | null;
  readonly upstreamStatus: number | null;
  /** The answer, as the provider names it. */
  readonly messageId: string | null;
  /** The model that the answer names. */
  readonly servedModel: string | null;
  readonly durationMs: number;
  readonly attemptCount: number;
  readonly failedOver: boolean;
  /** Applied to centralized records only: what a caller's own key is called never changes. */
  readonly credentialHint: string;
  readonly credentialFingerprint: string | null;
  readonly tokens: TokenCounts;
  readonly usageSource: UsageSource;
  readonly firstByteMs: number | null;
  readonly overheadMs: number | null;
  /** What could not be read for the audit, in words. */
  readonly notes: readonly string[];
}

/**
 * Says that the process lives while it has something open, and so how long it did
 * when it dies. Goes no further than the journal.
 */
export interface AliveEvent {
  readonly kind: 'alive';
  /** The process. */
  readonly id: string;
  readonly at: number;
  /** How many interceptions are open. */
  readonly open: number;
}

export type ChildRecord =
  | AttemptSoFarEvent
  | AttemptEvent
  | UsageSoFarEvent
  | UsageEvent
  | PromptEvent
  | ToolEvent
  | ThoughtEvent;
export type RecordEvent = StartEvent | ChildRecord | EndEvent | AliveEvent;
