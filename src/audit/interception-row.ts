import type { Interception } from './interception-shape.ts';

/** The columns of `interceptions` as the database answers them. */
export interface InterceptionRow {
  readonly id: string;
  readonly started_at: Date;
  readonly ended_at: Date | null;
  readonly duration_ms: number | null;
  readonly initiator_id: string;
  readonly initiator_metadata: Record<string, string>;
  readonly provider_type: string;
  readonly provider_name: string;
  readonly model: string;
  readonly requested_model: string;
  readonly api: Interception['api'];
  readonly route: string;
  readonly method: string;
  readonly streaming: boolean;
  readonly client: string;
  readonly user_agent: string;
  readonly session_id: string | null;
  readonly thread_root_id: string | null;
  readonly thread_parent_id: string | null;
  readonly credential_kind: Interception['credential']['kind'];
  readonly credential_hint: string;
  readonly credential_fingerprint: string | null;
  readonly status: Interception['status'];
  readonly error_type: string | null;
  readonly error_message: string | null;
  readonly upstream_status: number | null;
  readonly attempt_count: number;
  readonly failed_over: boolean;
  readonly input_tokens: bigint;
  readonly output_tokens: bigint;
  readonly cache_read_tokens: bigint;
  readonly cache_write_tokens: bigint;
  readonly usage_source: Interception['usageSource'];
  readonly first_byte_ms: number | null;
  readonly overhead_ms: number | null;
}

export function toInterception(row: InterceptionRow): Interception {
  return {
    id: row.id,
    startedAt: row.started_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
    durationMs: row.duration_ms,
    initiator: { id: row.initiator_id, metadata: row.initiator_metadata },
    provider: { type: row.provider_type, name: row.provider_name },
    model: row.model,
    requestedModel: row.requested_model,
    api: row.api,
    route: row.route,
    method: row.method,
    streaming: row.streaming,
    client: row.client,
    userAgent: row.user_agent,
    sessionId: row.session_id,
    threadRootId: row.thread_root_id,
    threadParentId: row.thread_parent_id,
    credential: {
      kind: row.credential_kind,
      hint: row.credential_hint,
      fingerprint: row.credential_fingerprint,
    },
    status: row.status,
    error: errorOf(row),
    upstreamStatus: row.upstream_status,
    attemptCount: row.attempt_count,
    failedOver: row.failed_over,
    tokens: {
      input: Number(row.input_tokens),
      output: Number(row.output_tokens),
      cacheRead: Number(row.cache_read_tokens),
      cacheWrite: Number(row.cache_write_tokens),
    },
    usageSource: row.usage_source,
    firstByteMs: row.first_byte_ms,
    overheadMs: row.overhead_ms,
  };
}

function errorOf({ error_type: type, error_message: message }: InterceptionRow) {
  return type === null ? null : { type, message: message ?? '' };
}
