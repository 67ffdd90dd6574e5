import { Prisma } from '../../generated/prisma/client.ts';
import type {
  Attempt,
  Interception,
  InterceptionDetail,
  Prompt,
  Thought,
  TokenUsage,
  ToolUsage,
} from './interception-shape.ts';
import { jsonOf, jsonRowsOf, jsonTime, type Shape } from './prisma-shape.ts';

/** The row `i` of `interceptions` as the API shows it, wherever it does. */
export const INTERCEPTION: Shape<Interception> = {
  id: 'i.id',
  startedAt: jsonTime('i.started_at'),
  endedAt: jsonTime('i.ended_at'),
  durationMs: 'i.duration_ms',
  initiator: { id: 'i.initiator_id', metadata: 'i.initiator_metadata' },
  provider: { type: 'i.provider_type', name: 'i.provider_name' },
  model: 'i.model',
  requestedModel: 'i.requested_model',
  servedModel: 'i.served_model',
  purpose: 'i.purpose',
  api: 'i.api',
  route: 'i.route',
  method: 'i.method',
  streaming: 'i.streaming',
  client: 'i.client',
  userAgent: 'i.user_agent',
  sessionId: 'i.session_id',
  threadRootId: 'i.thread_root_id',
  threadParentId: 'i.thread_parent_id',
  credential: credentialOf('i'),
  status: 'i.status',
  error: `CASE WHEN i.error_type IS NOT NULL THEN ${jsonOf<NonNullable<Interception['error']>>({
    type: 'i.error_type',
    message: `coalesce(i.error_message, '')`,
  })} END`,
  upstreamStatus: 'i.upstream_status',
  attemptCount: 'i.attempt_count',
  failedOver: 'i.failed_over',
  tokens: {
    input: 'i.input_tokens',
    output: 'i.output_tokens',
    cacheRead: 'i.cache_read_tokens',
    cacheWrite: 'i.cache_write_tokens',
  },
  usageSource: 'i.usage_source',
  firstByteMs: 'i.first_byte_ms',
  overheadMs: 'i.overhead_ms',
};

const ATTEMPT: Shape<Attempt> = {
  ordinal: 'c.ordinal',
  turn: 'c.turn',
  credential: credentialOf('c'),
  status: 'c.status',
  outcome: 'c.outcome',
  cooldownMs: 'c.cooldown_ms',
  startedAt: jsonTime('c.started_at'),
  durationMs: 'c.duration_ms',
  error: 'c.error',
};

const TOKEN_USAGE: Shape<TokenUsage> = {
  messageId: 'c.message_id',
  input: 'c.input',
  output: 'c.output',
  cacheRead: 'c.cache_read',
  cacheWrite: 'c.cache_write',
  extra: 'c.extra',
  createdAt: jsonTime('c.created_at'),
};

const PROMPT: Shape<Prompt> = {
  // A prompt is there before its answer, which names itself at its end, or where its usage begins.
  messageId: `coalesce(i.message_id, (SELECT u.message_id FROM token_usages AS u
    WHERE u.interception_id = i.id ORDER BY u.id LIMIT 1))`,
  text: 'c.text',
  source: 'c.source',
  createdAt: jsonTime('c.created_at'),
};

const TOOL_USAGE: Shape<ToolUsage> = {
  messageId: 'c.message_id',
  toolCallId: 'c.tool_call_id',
  tool: 'c.tool',
  serverUrl: 'c.server_url',
  input: `(SELECT t.input FROM tool_inputs AS t
    WHERE t.interception_id = i.id AND t.id = c.id)`,
  injected: 'c.injected',
  error: 'c.error',
  durationMs: 'c.duration_ms',
  resultBytes: 'c.result_bytes',
  createdAt: jsonTime('c.created_at'),
};

const THOUGHT: Shape<Thought> = {
  source: 'c.source',
  text: 'c.text',
  createdAt: jsonTime('c.created_at'),
};

const DETAIL: Shape<InterceptionDetail> = {
  ...INTERCEPTION,
  contentMode: 'i.content_mode',
  notes: `coalesce(i.notes, '{}')`,
  attempts: jsonRowsOf('attempts', 'c.ordinal, c.id', ATTEMPT),
  tokenUsages: jsonRowsOf('token_usages', 'c.id', TOKEN_USAGE),
  prompts: jsonRowsOf('prompts', 'c.id', PROMPT),
  toolUsages: jsonRowsOf('tool_usages', 'c.id', TOOL_USAGE),
  thoughts: jsonRowsOf('thoughts', 'c.id', THOUGHT),
};

/** In lists, exports and tails: an `Interception`. */
export const INTERCEPTION_JSON = Prisma.raw(jsonOf(INTERCEPTION));
/** The row `i` with all that belongs to it: an `InterceptionDetail`. */
export const DETAIL_JSON = Prisma.raw(jsonOf(DETAIL));

function credentialOf(row: string): Shape<Interception['credential']> {
  return {
    kind: `${row}.credential_kind`,
    hint: `${row}.credential_hint`,
    fingerprint: `${row}.credential_fingerprint`,
  };
}
