import { toInterception, type InterceptionRow } from './interception-row.ts';
import type { Session, Thread, Turn } from './session-shape.ts';

/** Sums over the interceptions of one session of one person. */
export interface SessionRow {
  readonly session_id: string;
  readonly initiator_id: string;
  readonly first_id: string;
  readonly started_at: Date;
  readonly last_started_at: Date;
  readonly turns: bigint;
  readonly threads: bigint;
  readonly failed: bigint;
  readonly clients: string[];
  readonly models: string[];
  readonly credentials: string[];
  readonly input_tokens: bigint;
  readonly output_tokens: bigint;
  readonly cache_read_tokens: bigint;
  readonly cache_write_tokens: bigint;
  readonly duration_ms: bigint;
}

export interface TurnRow extends InterceptionRow {
  readonly prompt: string | null;
  readonly tools: string[];
}

export function toSession(row: SessionRow): Session {
  return {
    id: row.session_id,
    initiator: { id: row.initiator_id },
    startedAt: row.started_at.toISOString(),
    lastStartedAt: row.last_started_at.toISOString(),
    turns: Number(row.turns),
    threads: Number(row.threads),
    failed: Number(row.failed),
    clients: row.clients,
    models: row.models,
    credentials: row.credentials,
    tokens: {
      input: Number(row.input_tokens),
      output: Number(row.output_tokens),
      cacheRead: Number(row.cache_read_tokens),
      cacheWrite: Number(row.cache_write_tokens),
    },
    durationMs: Number(row.duration_ms),
  };
}

/** Turns by the chain they belong to; chains in the order in which they began. */
export function toThreads(rows: readonly TurnRow[]): Thread[] {
  const byRoot = Map.groupBy(rows.map(toTurn), (turn) => turn.threadRootId ?? turn.id);
  return [...byRoot].map(([rootId, turns]) => ({ rootId, turns }));
}

function toTurn(row: TurnRow): Turn {
  return { ...toInterception(row), prompt: row.prompt, tools: row.tools };
}
