import type { Dimension, Usage } from './usage-shape.ts';

/** The columns of an answer; those that are not grouped by are not there. */
export interface UsageRow {
  readonly initiator_id: string;
  readonly provider_name: string;
  readonly model: string;
  readonly served_model: string;
  readonly client: string;
  readonly credential_kind: 'centralized' | 'byok';
  readonly credential_hint: string;
  readonly credential_fingerprint: string;
  readonly hour: Date;
  readonly day: Date;
  readonly month: Date;
  readonly interceptions: bigint;
  readonly completed: bigint;
  readonly failed: bigint;
  readonly aborted: bigint;
  readonly interrupted: bigint;
  readonly failed_over: bigint;
  readonly attempts: bigint;
  readonly input_tokens: bigint;
  readonly output_tokens: bigint;
  readonly cache_read_tokens: bigint;
  readonly cache_write_tokens: bigint;
  readonly duration_ms: bigint;
}

type Groups = Pick<Required<Usage>, Dimension>;

const GROUPS: { [D in Dimension]: (row: UsageRow) => Groups[D] } = {
  initiator: (row) => row.initiator_id,
  provider: (row) => row.provider_name,
  model: (row) => row.model,
  servedModel: (row) => row.served_model || null,
  client: (row) => row.client,
  credential: (row) => ({
    kind: row.credential_kind,
    hint: row.credential_hint,
    fingerprint: row.credential_fingerprint || null,
  }),
  hour: (row) => row.hour.toISOString(),
  day: (row) => row.day.toISOString().slice(0, 10),
  month: (row) => row.month.toISOString().slice(0, 7),
};

export function toUsage(row: UsageRow, groupBy: readonly Dimension[]): Usage {
  return {
    ...Object.fromEntries(groupBy.map((dimension) => [dimension, GROUPS[dimension](row)])),
    interceptions: Number(row.interceptions),
    completed: Number(row.completed),
    failed: Number(row.failed),
    aborted: Number(row.aborted),
    interrupted: Number(row.interrupted),
    failedOver: Number(row.failed_over),
    attempts: Number(row.attempts),
    tokens: {
      input: Number(row.input_tokens),
      output: Number(row.output_tokens),
      cacheRead: Number(row.cache_read_tokens),
      cacheWrite: Number(row.cache_write_tokens),
    },
    durationMs: Number(row.duration_ms),
  };
}
