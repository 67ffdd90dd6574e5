import { toInterception, type InterceptionRow } from './interception-row.ts';
import type {
  Attempt,
  InterceptionDetail,
  Prompt,
  Thought,
  TokenUsage,
  ToolUsage,
} from './interception-shape.ts';

/** An interception with its children, whose times are text because they come as JSON. */
export interface DetailRow extends InterceptionRow {
  readonly content_mode: InterceptionDetail['contentMode'];
  readonly notes: string[];
  readonly attempts: readonly AttemptRow[];
  readonly token_usages: readonly TokenUsageRow[];
  readonly prompts: readonly PromptRow[];
  readonly tool_usages: readonly ToolUsageRow[];
  readonly thoughts: readonly ThoughtRow[];
}

interface AttemptRow {
  readonly ordinal: number;
  readonly turn: number;
  readonly credential_kind: Attempt['credential']['kind'];
  readonly credential_hint: string;
  readonly credential_fingerprint: string | null;
  readonly status: number | null;
  readonly outcome: Attempt['outcome'];
  readonly cooldown_ms: number | null;
  readonly started_at: string;
  readonly duration_ms: number;
  readonly error: string | null;
}

interface ChildRow {
  readonly message_id: string | null;
  readonly created_at: string;
}

interface TokenUsageRow extends ChildRow {
  readonly input: number;
  readonly output: number;
  readonly cache_read: number;
  readonly cache_write: number;
  readonly extra: Record<string, number>;
}

interface PromptRow extends ChildRow {
  readonly text: string;
}

interface ToolUsageRow extends ChildRow {
  readonly tool_call_id: string | null;
  readonly tool: string;
  readonly server_url: string | null;
  readonly input: string | null;
  readonly injected: boolean;
  readonly error: string | null;
}

interface ThoughtRow extends ChildRow {
  readonly source: Thought['source'];
  readonly text: string;
}

export function toDetail(row: DetailRow): InterceptionDetail {
  return {
    ...toInterception(row),
    contentMode: row.content_mode,
    notes: row.notes,
    attempts: row.attempts.map(toAttempt),
    tokenUsages: row.token_usages.map(toTokenUsage),
    prompts: row.prompts.map(toPrompt),
    toolUsages: row.tool_usages.map(toToolUsage),
    thoughts: row.thoughts.map(toThought),
  };
}

function toAttempt(row: AttemptRow): Attempt {
  return {
    ordinal: row.ordinal,
    turn: row.turn,
    credential: {
      kind: row.credential_kind,
      hint: row.credential_hint,
      fingerprint: row.credential_fingerprint,
    },
    status: row.status,
    outcome: row.outcome,
    cooldownMs: row.cooldown_ms,
    startedAt: isoTime(row.started_at),
    durationMs: row.duration_ms,
    error: row.error,
  };
}

function toTokenUsage(row: TokenUsageRow): TokenUsage {
  return {
    messageId: row.message_id,
    input: row.input,
    output: row.output,
    cacheRead: row.cache_read,
    cacheWrite: row.cache_write,
    extra: row.extra,
    createdAt: isoTime(row.created_at),
  };
}

function toPrompt(row: PromptRow): Prompt {
  return { messageId: row.message_id, text: row.text, createdAt: isoTime(row.created_at) };
}

function toToolUsage(row: ToolUsageRow): ToolUsage {
  return {
    messageId: row.message_id,
    toolCallId: row.tool_call_id,
    tool: row.tool,
    serverUrl: row.server_url,
    input: row.input,
    injected: row.injected,
    error: row.error,
    createdAt: isoTime(row.created_at),
  };
}

function toThought(row: ThoughtRow): Thought {
  return { source: row.source, text: row.text, createdAt: isoTime(row.created_at) };
}

/** PostgreSQL writes `2026-11-01T10:00:00.1+00:00`. */
function isoTime(text: string): string {
  return new Date(text).toISOString();
}
