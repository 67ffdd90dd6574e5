/**
 * What the recorder writes to the journal, one event a line. These shapes are a
 * file format: a field may be added, none may change its meaning. `JOURNAL_VERSION`
 * goes up when an old program could misread a new line.
 */
export const JOURNAL_VERSION = 1;

export type ApiName = 'messages' | 'chat_completions' | 'responses' | 'passthrough';
export type CredentialKind = 'centralized' | 'byok';
/** `interrupted` is never written by a living process: it is concluded about a dead one. */
export type EndStatus = 'completed' | 'failed' | 'aborted' | 'interrupted';
export type UsageSource = 'provider' | 'partial' | 'none';
export type ContentMode = 'full' | 'hash' | 'none';
export type ThoughtSource = 'thinking' | 'reasoning_summary' | 'commentary';
export type AttemptOutcome =
  | 'served'
  | 'relayed_error'
  | 'rate_limited'
  | 'quota_exhausted'
  | 'unauthorized'
  | 'forbidden'
  | 'transport_error'
  | 'timeout'
  | 'aborted';

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
  readonly api: ApiName;
  readonly route: string;
  readonly method: string;
  readonly streaming: boolean;
  readonly client: string;
  readonly userAgent: string;
  readonly sessionId: string | null;
  /** The tool call whose result this request carries: links it to the answer that asked for it. */
  readonly correlatingToolCallId: string | null;
  readonly credentialKind: CredentialKind;
  readonly credentialHint: string;
  readonly credentialFingerprint: string | null;
  readonly contentMode: ContentMode;
}

/** A row of its own beside the interception; `rowId` makes writing it twice harmless. */
interface ChildEvent extends EventBase {
  readonly rowId: string;
}

export interface AttemptEvent extends ChildEvent {
  readonly kind: 'attempt';
  readonly ordinal: number;
  readonly turn: number;
  readonly credentialKind: CredentialKind;
  readonly credentialHint: string;
  readonly credentialFingerprint: string | null;
  readonly status: number | null;
  readonly outcome: AttemptOutcome;
  readonly cooldownMs: number | null;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly error: string | null;
}

export interface TokenCounts {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

export interface UsageEvent extends ChildEvent, TokenCounts {
  readonly kind: 'usage';
  readonly messageId: string | null;
  readonly extra: Readonly<Record<string, number>>;
}

export interface PromptEvent extends ChildEvent {
  readonly kind: 'prompt';
  readonly messageId: string | null;
  readonly text: string;
}

export interface ToolEvent extends ChildEvent {
  readonly kind: 'tool';
  readonly messageId: string | null;
  readonly toolCallId: string | null;
  readonly tool: string;
  readonly serverUrl: string | null;
  /** Raw JSON as the model sent it, or a plain string where it is none. */
  readonly input: string | null;
  readonly injected: boolean;
  readonly error: string | null;
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

export type ChildRecord = AttemptEvent | UsageEvent | PromptEvent | ToolEvent | ThoughtEvent;
export type RecordEvent = StartEvent | ChildRecord | EndEvent;
