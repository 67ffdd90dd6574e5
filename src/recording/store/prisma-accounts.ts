import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts';

/** The live tails listen to it. */
const CHANNEL = 'aibridge_endings';

/** What a total is made of: with any of it changed, what was counted is taken back and counted anew. */
const COUNTED = ['status', 'served_model', 'credential_hint', 'credential_fingerprint']
  .concat(['attempt_count', 'failed_over', 'duration_ms'])
  .concat(['input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens']);

const columns = (row: string): string => COUNTED.map((column) => `${row}.${column}`).join(', ');

/**
 * Parts of the WITH of a statement that writes interceptions: what it does is counted, put into the order of
 * endings and listed among the kinds, in the same breath and with no lock that writers share but
 * for the purge of kinds. They rest on two others: `before`, rows as they were that it
 * changes, and `after`, all the rows that it wrote.
 *
 * An interception that was presumed interrupted, and counted so, and ended after all, is taken back.
 */
export const ACCOUNTS = Prisma.raw(`
  changed AS MATERIALIZED (
    SELECT a.* FROM after AS a LEFT JOIN before AS b USING (id)
    WHERE a.status <> 'in_progress' AND (b.id IS NULL OR (${columns('a')}) IS DISTINCT FROM (${columns('b')}))),
  counts AS (
    SELECT 1 AS sign, c.* FROM changed AS c
    UNION ALL
    SELECT -1 AS sign, b.* FROM before AS b JOIN changed AS c USING (id) WHERE b.status = 'interrupted'),
  counted AS (
    INSERT INTO usage_deltas (starts_at, initiator_id, provider_name, model, served_model, client,
      credential_kind, credential_hint, credential_fingerprint, interceptions, completed, failed,
      aborted, interrupted, failed_over, attempts, input_tokens, output_tokens, cache_read_tokens,
      cache_write_tokens, duration_ms)
    SELECT date_trunc('hour', started_at, 'UTC'), initiator_id, provider_name, model,
      coalesce(served_model, ''), client, credential_kind, credential_hint,
      coalesce(credential_fingerprint, ''), sum(sign), sum(sign * (status = 'completed')::int),
      sum(sign * (status = 'failed')::int), sum(sign * (status = 'aborted')::int),
      sum(sign * (status = 'interrupted')::int), sum(sign * failed_over::int),
      sum(sign * attempt_count), sum(sign * input_tokens), sum(sign * output_tokens),
      sum(sign * cache_read_tokens), sum(sign * cache_write_tokens),
      sum(sign * coalesce(duration_ms, 0))
    FROM counts GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9),
  announced AS (
    INSERT INTO interception_endings (transaction, interception_id)
    SELECT pg_current_xact_id()::text::bigint, id FROM changed ORDER BY ended_at, id),
  listed AS (
    INSERT INTO interception_kinds (id, provider_type, provider_name, api, model, served_model,
      purpose, client, credential_kind, streaming, status, error_type, failed_over)
    SELECT kind_id, provider_type, provider_name, api, model, served_model, purpose, client,
      credential_kind, streaming, status, error_type, failed_over
    FROM (SELECT DISTINCT ON (kind_id) * FROM after ORDER BY kind_id) AS noted,
      (SELECT pg_advisory_xact_lock_shared(hashtext('aibridge_kinds'))) AS held
    ON CONFLICT (id) DO NOTHING)`);

/**
 * Wakes the live tails. After the commit: a commit that notifies waits for all others of the server
 * that do, and these are many. Tails that nobody woke are woken by their own bridge within a second.
 */
export async function ring(prisma: PrismaClient): Promise<void> {
  await prisma.$executeRaw`SELECT pg_notify(${CHANNEL}, '')`;
}
