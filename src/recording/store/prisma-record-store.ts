import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts';
import type { RecordEvent } from '../journal/events.ts';
import type { Grain } from '../partitions/partition-plan.ts';
import { PrismaPartitions } from '../partitions/prisma-partitions.ts';
import { Room } from '../partitions/room.ts';
import { closeInterrupted } from './prisma-interruption.ts';
import { END_COLUMNS, START_COLUMNS } from './prisma-interception-columns.ts';
import { ACCOUNTS, ring } from './prisma-accounts.ts';
import { linkLate, linksOfFresh } from './prisma-thread-links.ts';
import { byTable } from './batch.ts';
import { idSpan, type IdSpan } from './id-span.ts';
import { SILENCE_MS } from './pulse.ts';
import {
  RecordStore,
  type InstanceFacts,
  type JournalMark,
  type StoreFailure,
} from './record-store.ts';
import { storableJson } from './storable-text.ts';
import { lacksPartition, storeFailure, UnstartedError } from './store-failure.ts';

/**
 * Whole batches as one statement a table: PostgreSQL unfolds the JSON itself,
 * which costs this process a twentieth of what a row-wise insert does.
 */
export class PrismaRecordStore extends RecordStore {
  readonly #room: Room;
  /** Batches that are stored, or may be, and still want their second look for links. */
  readonly #unlinked = new Set<readonly RecordEvent[]>();

  constructor(
    private readonly prisma: PrismaClient,
    grain: Grain = 'month',
  ) {
    super();
    this.#room = new Room(new PrismaPartitions(prisma, grain), grain);
  }

  override async store(
    events: readonly RecordEvent[],
    mark?: JournalMark,
    after?: JournalMark | 'none',
  ): Promise<StoreFailure | undefined> {
    const write = (): Promise<void> =>
      this.prisma.$transaction((transaction) => writeAll(transaction, events, { mark, after }));
    try {
      await this.#linkLate();
      await this.#room.for(events);
      await write().catch(async (error: unknown) => {
        if (!lacksPartition(error)) throw error;
        this.#room.forget();
        await this.#room.for(events);
        await write();
      });
      await this.#finish(events);
      return undefined;
    } catch (error) {
      if (error instanceof Elsewhere) return { kind: 'elsewhere', reason: error.message };
      const failure = storeFailure(error);
      // It may be the answer to the commit that is lost.
      if (failure.kind === 'unanswered') this.#unlinked.add(events);
      return failure;
    }
  }

  override async finish(events: readonly RecordEvent[]): Promise<StoreFailure | undefined> {
    try {
      await this.#finish(events);
      return undefined;
    } catch (error) {
      return storeFailure(error);
    }
  }

  async #finish(events: readonly RecordEvent[]): Promise<void> {
    this.#unlinked.add(events);
    if (events.some(({ kind }) => kind === 'end')) await ring(this.prisma);
    await this.#linkLate();
  }

  /**
   * Of what was stored before, too: once its mark is there, nobody sends a batch again. What is too
   * much at once is looked at by halves.
   */
  async #linkLate(): Promise<void> {
    for (const events of this.#unlinked) {
      try {
        await linkLate(this.prisma, events);
      } catch (error) {
        const { kind } = storeFailure(error);
        if (kind === 'unavailable' || kind === 'unanswered') throw error;
        this.#unlinked.delete(events);
        const half = Math.ceil(events.length / 2);
        if (half === events.length) throw error;
        this.#unlinked.add(events.slice(0, half)).add(events.slice(half));
      }
      this.#unlinked.delete(events);
    }
  }

  override async markOf(instanceId: string): Promise<JournalMark | undefined> {
    const row = await this.prisma.journalMark.findUnique({ where: { instanceId } });
    return row === null
      ? undefined
      : { instanceId, position: Number(row.position), events: row.events };
  }

  override async heartbeat(instance: InstanceFacts): Promise<readonly string[]> {
    await this.prisma.$executeRaw`
      INSERT INTO instances (id, started_at, heartbeat_at, version, host)
      VALUES (${instance.id}::uuid, now(), now(), ${instance.version}, ${instance.host})
      ON CONFLICT (id) DO UPDATE SET heartbeat_at = now()`;
    const silent = await this.prisma.$queryRaw<{ id: string }[]>`
      SELECT id::text FROM instances
      WHERE heartbeat_at < now() - make_interval(secs => ${SILENCE_MS / 1_000})`;
    return silent.map((row) => row.id);
  }

  override closeInterrupted(instanceId: string, livedUntilMs?: number): Promise<number> {
    return closeInterrupted(this.prisma, instanceId, livedUntilMs);
  }

  /** What has been closed so before says how long the instance lived at least. */
  override async closeForgotten(instanceId: string): Promise<number> {
    const [known] = await this.prisma.$queryRaw<{ alive: boolean; until: Date | null }[]>`
      SELECT EXISTS (SELECT FROM instances WHERE id = ${instanceId}::uuid) AS alive,
        (SELECT max(ended_at) FROM interceptions
         WHERE instance_id = ${instanceId}::uuid AND status = 'interrupted') AS until`;
    if (known === undefined || known.alive) return 0;
    return closeInterrupted(this.prisma, instanceId, known.until?.getTime());
  }
}

type Transaction = Pick<PrismaClient, '$executeRaw' | '$queryRaw'>;

interface Marks {
  /** How far the journal is with this batch. */
  readonly mark: JournalMark | undefined;
  /** How far it was before, for whoever knows. */
  readonly after: JournalMark | 'none' | undefined;
}

async function writeAll(
  transaction: Transaction,
  events: readonly RecordEvent[],
  { mark, after }: Marks,
): Promise<void> {
  if (mark !== undefined && (await transaction.$executeRaw(marked(mark, after))) === 0) {
    throw new Elsewhere('the database is not where it was with this journal');
  }
  const tables = byTable(events);
  for (const table of CHILDREN) {
    const rows = tables.get(table);
    if (rows !== undefined) await transaction.$executeRaw(STATEMENTS[table](storableJson(rows)));
  }
  const [starts, ends] = [tables.get('start') ?? [], tables.get('end') ?? []];
  const span = idSpan([...starts, ...ends]);
  if (span === undefined) return;
  const unstarted = await transaction.$queryRaw<{ id: string }[]>(
    recordStatement({ starts: storableJson(starts), ends: storableJson(ends), span }),
  );
  if (unstarted.length > 0) throw new UnstartedError(unstarted.map(({ id }) => id));
}

/** Undoes a transaction. */
class Elsewhere extends Error {
  override readonly name = 'Elsewhere';
}

/** Changes no row where the mark is not the one that was expected. */
function marked({ instanceId, position, events }: JournalMark, after?: JournalMark | 'none') {
  const row = Prisma.sql`(${instanceId}::uuid, ${position}::bigint, ${events}, now())`;
  const insert = Prisma.sql`
    INSERT INTO journal_marks AS m (instance_id, position, events, marked_at)`;
  if (after === 'none') return Prisma.sql`${insert} VALUES ${row} ON CONFLICT DO NOTHING`;
  const update = Prisma.sql`position = ${position}::bigint, events = ${events}, marked_at = now()`;
  if (after === undefined) {
    return Prisma.sql`${insert} VALUES ${row} ON CONFLICT (instance_id) DO UPDATE SET ${update}`;
  }
  return Prisma.sql`
    UPDATE journal_marks SET ${update} WHERE instance_id = ${instanceId}::uuid
      AND position = ${after.position}::bigint AND events = ${after.events}`;
}

const epochMs = (column: string): Prisma.Sql =>
  Prisma.raw(`to_timestamp(${column} / 1000.0)::timestamptz(3)`);

/**
 * What belongs to an interception is there before it ends, and is written before its row is
 * locked: however long a text takes the database, nobody waits for the rows that replicas share.
 */
const CHILDREN = ['attempt', 'usage_so_far', 'usage', 'prompt', 'tool', 'thought'] as const;

interface RecordRows {
  readonly starts: string;
  readonly ends: string;
  /** The first and last id of them. Whatever is looked for outside of it is in another partition. */
  readonly span: IdSpan;
}

/**
 * A start whose end is in the same batch goes in complete, so that most rows are written
 * once. An end changes a record that is open, or one that was only presumed
 * interrupted; it never changes another end. Answers the ends that have no start.
 */
function recordStatement({ starts, ends, span }: RecordRows): Prisma.Sql {
  const within = (id: string): Prisma.Sql =>
    Prisma.sql`${Prisma.raw(id)} BETWEEN ${span.first}::uuid AND ${span.last}::uuid`;
  return Prisma.sql`
    WITH RECURSIVE
    ended AS MATERIALIZED (SELECT DISTINCT ON (id) * FROM ${endRows(ends)} ORDER BY id, at),
    fresh AS MATERIALIZED (SELECT * FROM ${startRows(starts)}
      WHERE NOT EXISTS (SELECT FROM interceptions AS i WHERE i.id = s.id AND ${within('i.id')})),
    ${linksOfFresh(span)},
    inserted AS (
      INSERT INTO interceptions (
        id, started_at, ${START_COLUMNS.names}, credential_hint, credential_fingerprint,
        correlating_tool_call_id, thread_parent_id, thread_root_id, ended_at, ${END_COLUMNS.names},
        input_tokens, output_tokens, cache_read_tokens, cache_write_tokens)
      SELECT s.id, ${epochMs('s.at')}, ${START_COLUMNS.values},
        CASE WHEN s."credentialKind" = 'centralized' AND e.id IS NOT NULL
          THEN e."credentialHint" ELSE s."credentialHint" END,
        CASE WHEN s."credentialKind" = 'centralized' AND e.id IS NOT NULL
          THEN e."credentialFingerprint" ELSE s."credentialFingerprint" END,
        s."correlatingToolCallIds"->>-1, l.parent_id, l.root_id, ${epochMs('e.at')}, ${END_COLUMNS.values},
        coalesce((e.tokens->>'input')::bigint, 0), coalesce((e.tokens->>'output')::bigint, 0),
        coalesce((e.tokens->>'cacheRead')::bigint, 0), coalesce((e.tokens->>'cacheWrite')::bigint, 0)
      FROM fresh AS s LEFT JOIN ended AS e USING (id) LEFT JOIN links AS l USING (id)
      ON CONFLICT (id) DO NOTHING RETURNING *),
    before AS MATERIALIZED (
      SELECT i.* FROM interceptions AS i
      WHERE i.id = ANY (ARRAY(SELECT id FROM ended)) AND ${within('i.id')}
        AND i.status IN ('in_progress', 'interrupted')
      ORDER BY i.id FOR UPDATE),
    updated AS (
      UPDATE interceptions AS i SET
        ended_at = ${epochMs('e.at')}, ${END_COLUMNS.assignments},
        input_tokens = (e.tokens->>'input')::bigint, output_tokens = (e.tokens->>'output')::bigint,
        cache_read_tokens = (e.tokens->>'cacheRead')::bigint,
        cache_write_tokens = (e.tokens->>'cacheWrite')::bigint,
        credential_hint = CASE WHEN i.credential_kind = 'centralized'
          THEN e."credentialHint" ELSE i.credential_hint END,
        credential_fingerprint = CASE WHEN i.credential_kind = 'centralized'
          THEN e."credentialFingerprint" ELSE i.credential_fingerprint END
      FROM ended AS e JOIN before AS b USING (id)
      WHERE i.id = e.id AND ${within('i.id')} RETURNING i.*),
    after AS (SELECT * FROM inserted UNION ALL SELECT * FROM updated),
    ${ACCOUNTS}
    SELECT e.id::text AS id FROM ended AS e
    WHERE NOT EXISTS (SELECT FROM fresh AS f WHERE f.id = e.id)
      AND NOT EXISTS (SELECT FROM before AS b WHERE b.id = e.id)
      AND NOT EXISTS (SELECT FROM interceptions AS i WHERE i.id = e.id AND ${within('i.id')})`;
}

const STATEMENTS: Record<(typeof CHILDREN)[number], (json: string) => Prisma.Sql> = {
  // The row of an attempt that is under way, or was when its process was given up, gets to be that
  // of its end, and never the other way round.
  attempt: (json) => Prisma.sql`
    INSERT INTO attempts AS a (id, interception_id, ordinal, turn, credential_kind, credential_hint,
      credential_fingerprint, status, outcome, cooldown_ms, started_at, duration_ms, error)
    SELECT "rowId", id, ordinal, turn, "credentialKind", "credentialHint", "credentialFingerprint",
      status, coalesce(outcome, 'in_progress'), "cooldownMs", ${epochMs('"startedAt"')},
      "durationMs", error
    FROM jsonb_to_recordset(${json}::jsonb) AS e("rowId" uuid, id uuid, ordinal int, turn int,
      "credentialKind" text, "credentialHint" text, "credentialFingerprint" text, status int,
      outcome text, "cooldownMs" int, "startedAt" bigint, "durationMs" int, error text)
    ON CONFLICT (interception_id, id) DO UPDATE SET
      status = coalesce(excluded.status, a.status),
      outcome = coalesce(nullif(excluded.outcome, 'in_progress'), a.outcome),
      cooldown_ms = excluded.cooldown_ms,
      duration_ms = coalesce(excluded.duration_ms, a.duration_ms),
      error = excluded.error
    WHERE a.outcome IN ('in_progress', 'interrupted')`,

  usage_so_far: (json) => Prisma.sql`${usageRows(json)} ON CONFLICT DO NOTHING`,

  usage: (json) => Prisma.sql`${usageRows(json)} ON CONFLICT (interception_id, id) DO UPDATE SET
    message_id = excluded.message_id, input = excluded.input, output = excluded.output,
    cache_read = excluded.cache_read, cache_write = excluded.cache_write, extra = excluded.extra,
    created_at = excluded.created_at`,

  prompt: (json) => Prisma.sql`
    INSERT INTO prompts (id, interception_id, source, text, created_at)
    SELECT "rowId", id, source, text, ${epochMs('at')}
    FROM jsonb_to_recordset(${json}::jsonb) AS e("rowId" uuid, id uuid, at bigint,
      source text, text text)
    ON CONFLICT DO NOTHING`,

  tool: (json) => Prisma.sql`
    WITH e AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(${json}::jsonb) AS e("rowId" uuid,
        id uuid, at bigint, "messageId" text, "initiatorId" text, "sessionId" text,
        "toolCallId" text, tool text, "serverUrl" text, input text, injected boolean, error text,
        "durationMs" int, "resultBytes" int)),
      inputs AS (
        INSERT INTO tool_inputs (id, interception_id, input)
        SELECT "rowId", id, input FROM e WHERE input IS NOT NULL ON CONFLICT DO NOTHING)
    INSERT INTO tool_usages AS t (id, interception_id, message_id, tool_call_id, call_key, tool,
      server_url, injected, error, duration_ms, result_bytes, created_at)
    SELECT "rowId", id, "messageId", "toolCallId",
      tool_call_key("initiatorId", "sessionId", "toolCallId"), tool, "serverUrl", injected,
      error, "durationMs", "resultBytes", ${epochMs('at')}
    FROM e ON CONFLICT (interception_id, id) DO UPDATE SET
      error = excluded.error, duration_ms = excluded.duration_ms,
      result_bytes = excluded.result_bytes
    WHERE t.duration_ms IS NULL AND excluded.duration_ms IS NOT NULL`,

  thought: (json) => Prisma.sql`
    INSERT INTO thoughts (id, interception_id, message_id, source, text, created_at)
    SELECT "rowId", id, "messageId", source, text, ${epochMs('at')}
    FROM jsonb_to_recordset(${json}::jsonb) AS e("rowId" uuid, id uuid, at bigint,
      "messageId" text, source text, text text)
    ON CONFLICT DO NOTHING`,
};

function startRows(json: string): Prisma.Sql {
  return Prisma.sql`jsonb_to_recordset(${json}::jsonb) AS s(
    id uuid, at bigint, ${START_COLUMNS.definitions}, "credentialHint" text,
    "credentialFingerprint" text, "correlatingToolCallIds" jsonb)`;
}

function usageRows(json: string): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO token_usages (id, interception_id, message_id, input, output, cache_read,
      cache_write, extra, created_at)
    SELECT "rowId", id, "messageId", input, output, "cacheRead", "cacheWrite", extra, ${epochMs('at')}
    FROM jsonb_to_recordset(${json}::jsonb) AS e("rowId" uuid, id uuid, at bigint, "messageId" text,
      input bigint, output bigint, "cacheRead" bigint, "cacheWrite" bigint, extra jsonb)`;
}

function endRows(json: string): Prisma.Sql {
  return Prisma.sql`jsonb_to_recordset(${json}::jsonb) AS e(
    id uuid, at bigint, ${END_COLUMNS.definitions}, "credentialHint" text,
    "credentialFingerprint" text, tokens jsonb)`;
}
