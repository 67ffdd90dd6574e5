import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts';
import type { RecordEvent } from '../journal/events.ts';
import { linkThreads, parentOf } from './prisma-thread-links.ts';
import { SILENCE_MS } from './pulse.ts';
import { RecordStore, type InstanceFacts, type StoreFailure } from './record-store.ts';
import { storableJson } from './storable-text.ts';
import { storeFailure } from './store-failure.ts';

type Kind = RecordEvent['kind'];

/**
 * Whole batches as one statement a table: PostgreSQL unfolds the JSON itself,
 * which costs this process a twentieth of what a row-wise insert does.
 */
export class PrismaRecordStore extends RecordStore {
  constructor(private readonly prisma: PrismaClient) {
    super();
  }

  override async store(events: readonly RecordEvent[]): Promise<StoreFailure | undefined> {
    const byKind = Map.groupBy(events, (event) => event.kind);
    const json = (kind: Kind): string => storableJson(byKind.get(kind) ?? []);
    const statements = ORDER.filter((kind) => byKind.has(kind)).map((kind) =>
      this.prisma.$executeRaw(STATEMENTS[kind](json(kind), json('end'))),
    );
    try {
      await this.prisma.$transaction(statements);
      await linkThreads(this.prisma, events);
      return undefined;
    } catch (error) {
      return storeFailure(error);
    }
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

  override async closeInterrupted(instanceId: string): Promise<number> {
    const [closed] = await this.prisma.$transaction([
      this.prisma.$executeRaw`
        UPDATE interceptions AS i
        SET status = 'interrupted', error_type = 'interrupted',
            error_message = 'The bridge process ended before the answer did.',
            ended_at = greatest(i.started_at, coalesce(n.heartbeat_at, i.started_at)),
            duration_ms = 1000 * extract(epoch FROM
              greatest(i.started_at, coalesce(n.heartbeat_at, i.started_at)) - i.started_at)
        FROM (SELECT ${instanceId}::uuid AS id) AS dead LEFT JOIN instances AS n USING (id)
        WHERE i.instance_id = dead.id AND i.status = 'in_progress'`,
      this.prisma.$executeRaw`DELETE FROM instances WHERE id = ${instanceId}::uuid`,
    ]);
    return closed;
  }
}

const epochMs = (column: string): Prisma.Sql =>
  Prisma.raw(`to_timestamp(${column} / 1000.0)::timestamptz(3)`);

/**
 * What belongs to an interception is there before it ends: a trigger counts and announces the
 * ended ones, and holds a lock for it from then to the commit. Ends that are not for
 * a start of the same batch come first, so that no row is waited for under that lock.
 */
const ORDER: readonly Kind[] = ['attempt', 'usage', 'prompt', 'tool', 'thought', 'end', 'start'];

/**
 * A start whose end is in the same batch goes in complete, so that most rows are written
 * once. An end changes a record that is open, or one that was only presumed
 * interrupted; it never changes another end.
 */
const STATEMENTS: Record<Kind, (json: string, ends: string) => Prisma.Sql> = {
  start: (json, ends) => Prisma.sql`
    INSERT INTO interceptions (
      id, instance_id, started_at, initiator_id, initiator_metadata, provider_type, provider_name,
      model, requested_model, api, route, method, streaming, client, user_agent, session_id,
      correlating_tool_call_id, thread_parent_id, thread_root_id, credential_kind, content_mode,
      credential_hint, credential_fingerprint, status, ended_at, duration_ms, error_type,
      error_message, upstream_status, attempt_count, failed_over, input_tokens, output_tokens,
      cache_read_tokens, cache_write_tokens, usage_source, first_byte_ms, overhead_ms, notes)
    SELECT s.id, s."instanceId", ${epochMs('s.at')}, s."initiatorId", s."initiatorMetadata",
      s."providerType", s."providerName", s.model, s."requestedModel", s.api, s.route, s.method,
      s.streaming, s.client, s."userAgent", s."sessionId", s."correlatingToolCallId",
      parent.id, parent.root_id, s."credentialKind", s."contentMode",
      CASE WHEN s."credentialKind" = 'centralized' AND e.id IS NOT NULL
        THEN e."credentialHint" ELSE s."credentialHint" END,
      CASE WHEN s."credentialKind" = 'centralized' AND e.id IS NOT NULL
        THEN e."credentialFingerprint" ELSE s."credentialFingerprint" END,
      coalesce(e.status, 'in_progress'), ${epochMs('e.at')}, e."durationMs", e."errorType",
      e."errorMessage", e."upstreamStatus", coalesce(e."attemptCount", 0),
      coalesce(e."failedOver", false), coalesce((e.tokens->>'input')::bigint, 0),
      coalesce((e.tokens->>'output')::bigint, 0), coalesce((e.tokens->>'cacheRead')::bigint, 0),
      coalesce((e.tokens->>'cacheWrite')::bigint, 0), coalesce(e."usageSource", 'none'),
      e."firstByteMs", e."overheadMs", coalesce(e.notes, '{}')
    FROM jsonb_to_recordset(${json}::jsonb) AS s(
      id uuid, at bigint, "instanceId" uuid, "initiatorId" text, "initiatorMetadata" jsonb,
      "providerType" text, "providerName" text, model text, "requestedModel" text, api text,
      route text, method text, streaming boolean, client text, "userAgent" text, "sessionId" text,
      "correlatingToolCallId" text, "credentialKind" text, "credentialHint" text,
      "credentialFingerprint" text, "contentMode" text)
    LEFT JOIN (SELECT DISTINCT ON (id) * FROM ${endRows(ends)} AS e2 ORDER BY id, at) AS e USING (id)
    LEFT JOIN LATERAL ${parentOf('s.id', 's."initiatorId"', 's."correlatingToolCallId"')} AS parent ON true
    ON CONFLICT (id) DO NOTHING`,

  attempt: (json) => Prisma.sql`
    INSERT INTO attempts (id, interception_id, ordinal, turn, credential_kind, credential_hint,
      credential_fingerprint, status, outcome, cooldown_ms, started_at, duration_ms, error)
    SELECT "rowId", id, ordinal, turn, "credentialKind", "credentialHint", "credentialFingerprint",
      status, outcome, "cooldownMs", ${epochMs('"startedAt"')}, "durationMs", error
    FROM jsonb_to_recordset(${json}::jsonb) AS e("rowId" uuid, id uuid, ordinal int, turn int,
      "credentialKind" text, "credentialHint" text, "credentialFingerprint" text, status int,
      outcome text, "cooldownMs" int, "startedAt" bigint, "durationMs" int, error text)
    ON CONFLICT (id) DO NOTHING`,

  usage: (json) => Prisma.sql`
    INSERT INTO token_usages (id, interception_id, message_id, input, output, cache_read,
      cache_write, extra, created_at)
    SELECT "rowId", id, "messageId", input, output, "cacheRead", "cacheWrite", extra, ${epochMs('at')}
    FROM jsonb_to_recordset(${json}::jsonb) AS e("rowId" uuid, id uuid, at bigint, "messageId" text,
      input bigint, output bigint, "cacheRead" bigint, "cacheWrite" bigint, extra jsonb)
    ON CONFLICT (id) DO NOTHING`,

  prompt: (json) => Prisma.sql`
    INSERT INTO prompts (id, interception_id, message_id, text, created_at)
    SELECT "rowId", id, "messageId", text, ${epochMs('at')}
    FROM jsonb_to_recordset(${json}::jsonb) AS e("rowId" uuid, id uuid, at bigint,
      "messageId" text, text text)
    ON CONFLICT (id) DO NOTHING`,

  tool: (json) => Prisma.sql`
    INSERT INTO tool_usages (id, interception_id, message_id, tool_call_id, tool, server_url, input,
      injected, error, created_at)
    SELECT "rowId", id, "messageId", "toolCallId", tool, "serverUrl", input, injected, error,
      ${epochMs('at')}
    FROM jsonb_to_recordset(${json}::jsonb) AS e("rowId" uuid, id uuid, at bigint, "messageId" text,
      "toolCallId" text, tool text, "serverUrl" text, input text, injected boolean, error text)
    ON CONFLICT (id) DO NOTHING`,

  thought: (json) => Prisma.sql`
    INSERT INTO thoughts (id, interception_id, message_id, source, text, created_at)
    SELECT "rowId", id, "messageId", source, text, ${epochMs('at')}
    FROM jsonb_to_recordset(${json}::jsonb) AS e("rowId" uuid, id uuid, at bigint,
      "messageId" text, source text, text text)
    ON CONFLICT (id) DO NOTHING`,

  end: (json) => Prisma.sql`
    UPDATE interceptions AS i SET
      status = e.status, ended_at = ${epochMs('e.at')}, duration_ms = e."durationMs",
      error_type = e."errorType", error_message = e."errorMessage",
      upstream_status = e."upstreamStatus", attempt_count = e."attemptCount",
      failed_over = e."failedOver", input_tokens = (e.tokens->>'input')::bigint,
      output_tokens = (e.tokens->>'output')::bigint,
      cache_read_tokens = (e.tokens->>'cacheRead')::bigint,
      cache_write_tokens = (e.tokens->>'cacheWrite')::bigint, usage_source = e."usageSource",
      first_byte_ms = e."firstByteMs", overhead_ms = e."overheadMs", notes = e.notes,
      credential_hint = CASE WHEN i.credential_kind = 'centralized'
        THEN e."credentialHint" ELSE i.credential_hint END,
      credential_fingerprint = CASE WHEN i.credential_kind = 'centralized'
        THEN e."credentialFingerprint" ELSE i.credential_fingerprint END
    FROM (SELECT DISTINCT ON (id) * FROM ${endRows(json)} AS e2 ORDER BY id, at) AS e
    WHERE i.id = e.id AND i.status IN ('in_progress', 'interrupted')`,
};

function endRows(json: string): Prisma.Sql {
  return Prisma.sql`(SELECT * FROM jsonb_to_recordset(${json}::jsonb) AS e1(
    id uuid, at bigint, status text, "errorType" text, "errorMessage" text, "upstreamStatus" int,
    "durationMs" int, "attemptCount" int, "failedOver" boolean, "credentialHint" text,
    "credentialFingerprint" text, tokens jsonb, "usageSource" text, "firstByteMs" int,
    "overheadMs" float8, notes text[]))`;
}
