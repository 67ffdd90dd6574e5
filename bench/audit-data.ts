import type { Client } from 'pg';
import { createPrismaClient } from '../src/database/connection/prisma-client.ts';
import { PrismaPartitions, RECORD_TABLES } from '../src/recording/partitions/prisma-partitions.ts';

export interface AuditDataOptions {
  readonly databaseUrl: string;
  readonly records: number;
  /** The newest record starts now, the oldest so many days before. */
  readonly days: number;
  readonly onProgress: (what: string) => void;
}

const CHUNK = 100_000;
const DAY_MS = 86_400_000;
/** Their indexes are built at the end, which is several times quicker. */

/**
 * Fills an audit as months of an organisation would: agents in chains of five calls, two thousand
 * people of whom few do most, models and clients that go with the person, keys that fail over now
 * and then, prompts with words as frequent as words are. The same numbers make the same records.
 */
export async function generateAuditData(client: Client, options: AuditDataOptions): Promise<void> {
  await client.query(`SET synchronous_commit TO off; SET maintenance_work_mem TO '1GB'`);
  await client.query(FUNCTIONS);
  const startMs = Date.now() - options.days * DAY_MS;
  const stepMs = (options.days * DAY_MS) / options.records;
  await makePartitions(options.databaseUrl, startMs);
  const indexes = await dropIndexes(client);
  for (let from = 0; from < options.records; from += CHUNK) {
    const to = Math.min(options.records, from + CHUNK) - 1;
    await client.query(planned(from, to, startMs, stepMs));
    for (const statement of STATEMENTS) await client.query(statement);
    options.onProgress(`${to + 1} of ${options.records} records`);
  }
  for (const { name, definition } of indexes) {
    await client.query(definition);
    options.onProgress(`index ${name}`);
  }
  for (const statement of SUMMARIES) await client.query(statement);
  await client.query('VACUUM (ANALYZE)');
}

async function makePartitions(databaseUrl: string, startMs: number): Promise<void> {
  const prisma = createPrismaClient(databaseUrl, { poolMax: 1 });
  await new PrismaPartitions(prisma, 'month').make(startMs, Date.now() + DAY_MS);
  await prisma.$disconnect();
}

async function dropIndexes(client: Client): Promise<{ name: string; definition: string }[]> {
  const { rows } = await client.query<{ name: string; definition: string }>(
    // With those of its partitions.
    `SELECT indexname AS name, replace(indexdef, ' ON ONLY ', ' ON ') AS definition FROM pg_indexes
      WHERE schemaname = 'public' AND tablename = ANY($1) AND indexname NOT LIKE '%_pkey'`,
    [RECORD_TABLES],
  );
  for (const { name } of rows) await client.query(`DROP INDEX "${name}"`);
  return rows;
}

/** `chance(n, salt)` is a number from 0 to 1 that only looks random; `word` favours the frequent ones. */
const FUNCTIONS = `
  CREATE FUNCTION pg_temp.chance(n bigint, salt bigint) RETURNS float8 LANGUAGE sql IMMUTABLE
    RETURN ((hashint8extended(n, salt) >> 11) & ((1::bigint << 52) - 1)) / (1::bigint << 52)::float8;
  CREATE FUNCTION pg_temp.id_at(ms bigint, n bigint, salt text) RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN (lpad(to_hex(ms), 12, '0') || '7' || substr(md5(salt || n), 1, 3) || '8'
      || substr(md5(salt || n), 4, 15))::uuid;
  CREATE FUNCTION pg_temp.word(n bigint, place bigint) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN 'w' || to_hex((30000 * pg_temp.chance(n, place) ^ 3)::int);`;

/** Who does what when, for the records of one chunk; five in a row are one chain of tool calls. */
function planned(from: number, to: number, startMs: number, stepMs: number): string {
  return `
    DROP TABLE IF EXISTS planned;
    CREATE TEMP TABLE planned AS
    SELECT n, n / 5 AS chain, n % 5 AS turn, ms, person,
      pg_temp.id_at(ms, n, 'i') AS id, to_timestamp(ms / 1000.0) AS started_at,
      'person-' || person || '@corp' AS initiator,
      CASE WHEN person % 10 < 6 THEN 'anthropic' WHEN person % 10 < 9 THEN 'openai' ELSE 'copilot' END AS type,
      pg_temp.chance(n, 1) AS luck, pg_temp.chance(n, 2) AS size
    FROM (
      SELECT n, (${startMs} + n * ${stepMs}::float8)::bigint AS ms,
        (2000 * pg_temp.chance(n / 5, 0) ^ 2)::int AS person
      FROM generate_series(${from}::bigint, ${to}) AS n) AS drawn`;
}

const STATEMENTS = [
  `INSERT INTO interceptions (id, instance_id, started_at, ended_at, duration_ms, initiator_id,
     provider_type, provider_name, model, requested_model, served_model, purpose, api, route, method, streaming, client,
     user_agent, session_id, correlating_tool_call_id, thread_root_id, thread_parent_id,
     credential_kind, credential_hint, credential_fingerprint, status, error_type, error_message,
     upstream_status, attempt_count, failed_over, input_tokens, output_tokens, cache_read_tokens,
     cache_write_tokens, usage_source, first_byte_ms, overhead_ms)
   SELECT id, '01a00000-0000-7000-8000-000000000001', started_at,
     started_at + size * 20000 * interval '1 ms', size * 20000, initiator, type,
     type || CASE WHEN person % 7 = 0 THEN '-eu' ELSE '' END, model, model,
     model || '-20251101', CASE WHEN n % 20 = 3 THEN 'title' ELSE 'main' END,
     CASE type WHEN 'anthropic' THEN 'messages' WHEN 'openai' THEN 'responses' ELSE 'chat_completions' END,
     '/v1/messages', 'POST', luck < 0.9,
     (ARRAY['Claude Code', 'Codex', 'Zed', 'Cursor', 'Mux', 'Unknown'])[1 + person % 6],
     'agent/2.0 (linux; x64)',
     CASE WHEN person % 6 < 5 THEN 's-' || md5(person || ':' || ms / 7200000) END,
     CASE WHEN turn > 0 THEN 'call-' || n - 1 END,
     CASE WHEN turn > 0 THEN pg_temp.id_at(first_ms, chain * 5, 'i') END,
     CASE WHEN turn > 0 THEN lag(id) OVER (ORDER BY n) END,
     CASE WHEN person % 50 = 7 THEN 'byok' ELSE 'centralized' END,
     'sk-a...000' || key, substr(md5(type || key), 1, 12),
     CASE WHEN luck < 0.96 THEN 'completed' WHEN luck < 0.985 THEN 'failed' ELSE 'aborted' END,
     CASE WHEN luck BETWEEN 0.96 AND 0.985 THEN (ARRAY['overloaded', 'rate_limited', 'invalid_request'])[1 + n % 3] END,
     CASE WHEN luck BETWEEN 0.96 AND 0.985 THEN 'It did not work.' END,
     CASE WHEN luck BETWEEN 0.96 AND 0.985 THEN 529 ELSE 200 END,
     CASE WHEN key > 0 THEN 2 ELSE 1 END, key > 0, size * 2000, size * 900, size * 60000, size * 3000,
     'provider', size * 3000, size
   FROM (
     SELECT *, min(ms) OVER (PARTITION BY chain) AS first_ms,
       CASE WHEN luck > 0.95 THEN (n % 3)::int ELSE 0 END AS key,
       type || '-model-' || CASE WHEN luck < 0.7 THEN person % 2 ELSE 2 + (n % 4) END AS model
     FROM planned) AS p`,

  `INSERT INTO attempts (id, interception_id, ordinal, turn, credential_kind, credential_hint,
     credential_fingerprint, status, outcome, started_at, duration_ms)
   SELECT pg_temp.id_at(ms, n, 'a' || ordinal), id, ordinal, 1, 'centralized', 'sk-a...0000',
     substr(md5(type || '0'), 1, 12), CASE ordinal WHEN 1 THEN 200 ELSE 429 END,
     CASE ordinal WHEN 1 THEN 'served' ELSE 'rate_limited' END, started_at, size * 20000
   FROM planned, generate_series(1, CASE WHEN luck > 0.95 AND n % 3 > 0 THEN 2 ELSE 1 END) AS ordinal`,

  `INSERT INTO token_usages (id, interception_id, message_id, input, output, cache_read, cache_write,
     created_at)
   SELECT pg_temp.id_at(ms, n, 'u'), id, 'msg-' || n, size * 2000, size * 900, size * 60000,
     size * 3000, started_at
   FROM planned WHERE luck < 0.985`,

  `INSERT INTO prompts (id, interception_id, text, created_at)
   SELECT pg_temp.id_at(ms, n, 'p'), id,
     (SELECT string_agg(pg_temp.word(n, place), ' ') FROM generate_series(100, 130) AS place)
       || CASE WHEN n % 10 = 0 THEN ' deployment' ELSE '' END || ' ticket' || n / 20, started_at
   FROM planned WHERE turn IN (0, 3)`,

  `INSERT INTO tool_inputs (id, interception_id, input)
   SELECT pg_temp.id_at(ms, n, 't'), id, '{"path":"src/index.ts"}' FROM planned WHERE turn < 4`,

  `INSERT INTO tool_usages (id, interception_id, message_id, tool_call_id, call_key, tool, injected,
     created_at)
   SELECT pg_temp.id_at(ms, n, 't'), id, 'msg-' || n, 'call-' || n,
     tool_call_key(initiator, NULL, 'call-' || n),
     CASE WHEN luck < 0.0001 THEN 'Deploy' ELSE (ARRAY['Bash', 'Read', 'Edit', 'Grep', 'Glob',
       'WebFetch', 'TodoWrite', 'Task'])[1 + (8 * size ^ 2)::int % 8] END,
     false, started_at
   FROM planned WHERE turn < 4`,

  `INSERT INTO thoughts (id, interception_id, message_id, source, text, created_at)
   SELECT pg_temp.id_at(ms, n, 'h'), id, 'msg-' || n, 'thinking', 'Let me look at the file first.',
     started_at
   FROM planned WHERE turn = 1`,
];

/** What the writers keep of records beside them. */
const SUMMARIES = [
  `INSERT INTO interception_kinds (id, provider_type, provider_name, api, model, served_model, purpose,
     client, credential_kind, streaming, status, error_type, failed_over)
   SELECT DISTINCT ON (kind_id) kind_id, provider_type, provider_name, api, model, served_model,
     purpose, client, credential_kind, streaming, status, error_type, failed_over
   FROM interceptions ORDER BY kind_id`,

  `INSERT INTO usage_totals (initiator_id, grain, starts_at, provider_name, model, served_model, client,
     credential_kind, credential_hint, credential_fingerprint, interceptions, completed, failed,
     aborted, interrupted, failed_over, attempts, input_tokens, output_tokens, cache_read_tokens,
     cache_write_tokens, duration_ms)
   SELECT whose.initiator_id, grain, date_trunc(grain, started_at, 'UTC'), provider_name, model,
     coalesce(served_model, ''), client, credential_kind, credential_hint,
     coalesce(credential_fingerprint, ''), count(*), count(*) FILTER (WHERE status = 'completed'),
     count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE status = 'aborted'), 0,
     count(*) FILTER (WHERE failed_over), sum(attempt_count), sum(input_tokens), sum(output_tokens),
     sum(cache_read_tokens), sum(cache_write_tokens), sum(duration_ms)
   FROM interceptions AS i CROSS JOIN (VALUES ('hour'), ('day'), ('month')) AS grains(grain)
   CROSS JOIN LATERAL (VALUES (i.initiator_id), ('')) AS whose(initiator_id)
   GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10`,
];
