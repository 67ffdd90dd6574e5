import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts';
import { ACCOUNTS, ring } from './prisma-accounts.ts';

/**
 * Closes what a process left open when it ended, with all that is known of it: attempts, keys and
 * usage as far as they had come. What was closed so before is gone through again, as the journal
 * may have told more since.
 *
 * Rows of attempts are locked before those of interceptions, as where records are stored. Whatever
 * ends while this waits for its row has ended, and stays as it is.
 */
export async function closeInterrupted(
  prisma: PrismaClient,
  instanceId: string,
  livedUntilMs: number | undefined,
): Promise<number> {
  const isUnended = Prisma.sql`
    i.instance_id = ${instanceId}::uuid AND i.status IN ('in_progress', 'interrupted')`;
  const unendedOf = (rows: Prisma.Sql): Prisma.Sql => Prisma.sql`
    (SELECT i.id, i.started_at, coalesce(
       to_timestamp(${livedUntilMs ?? null}::float8 / 1000),
       (SELECT n.heartbeat_at FROM instances AS n WHERE n.id = i.instance_id)) AS lived_until
     FROM ${rows} AS i WHERE ${isUnended})`;
  const [, [closed]] = await prisma.$transaction([
    prisma.$executeRaw`
      UPDATE attempts AS a SET outcome = 'interrupted',
        duration_ms = ${msBetween('a.started_at', 'u.lived_until')}
      FROM ${unendedOf(Prisma.sql`interceptions`)} AS u
      WHERE a.interception_id = u.id AND a.outcome IN ('in_progress', 'interrupted')`,
    prisma.$queryRaw<{ count: bigint }[]>`
      WITH
      before AS MATERIALIZED (
        SELECT i.* FROM interceptions AS i WHERE ${isUnended} ORDER BY i.id FOR UPDATE),
      updated AS (
        UPDATE interceptions AS i SET
          status = 'interrupted', error_type = 'interrupted',
          error_message = 'The bridge process ended before the answer did.',
          ended_at = greatest(u.started_at, tried.newest_start, u.lived_until),
          duration_ms = ${msBetween('u.started_at', 'greatest(tried.newest_start, u.lived_until)')},
          attempt_count = tried.attempts, failed_over = tried.keys > 1,
          upstream_status = last.status,
          credential_hint = CASE WHEN i.credential_kind = 'centralized'
            THEN coalesce(last.credential_hint, '') ELSE i.credential_hint END,
          credential_fingerprint = CASE WHEN i.credential_kind = 'centralized'
            THEN last.credential_fingerprint ELSE i.credential_fingerprint END,
          input_tokens = used.input, output_tokens = used.output,
          cache_read_tokens = used.cache_read, cache_write_tokens = used.cache_write,
          usage_source = CASE WHEN used.answers > 0 THEN 'partial' ELSE 'none' END
        FROM ${unendedOf(Prisma.sql`before`)} AS u
        CROSS JOIN LATERAL ${TRIED} AS tried
        LEFT JOIN LATERAL ${LAST} AS last ON true
        CROSS JOIN LATERAL ${USED} AS used
        WHERE i.id = u.id RETURNING i.*),
      after AS (SELECT * FROM updated),
      ${ACCOUNTS}
      SELECT count(*) FILTER (WHERE status = 'in_progress') AS count FROM before`,
    prisma.$executeRaw`DELETE FROM instances WHERE id = ${instanceId}::uuid`,
  ]);
  await ring(prisma);
  return Number(closed?.count ?? 0n);
}

const TRIED = Prisma.sql`(
  SELECT count(*)::int AS attempts, count(DISTINCT a.credential_fingerprint) AS keys,
    max(a.started_at) AS newest_start
  FROM attempts AS a WHERE a.interception_id = u.id)`;

/** With the status of an answer that was, or would have been, the caller's. */
const LAST = Prisma.sql`(
  SELECT a.credential_hint, a.credential_fingerprint, CASE WHEN a.outcome NOT IN
    ('rate_limited', 'quota_exhausted', 'unauthorized', 'forbidden', 'server_error')
    THEN a.status END AS status
  FROM attempts AS a WHERE a.interception_id = u.id ORDER BY a.ordinal DESC LIMIT 1)`;

const USED = Prisma.sql`(
  SELECT count(*) AS answers, coalesce(sum(t.input), 0) AS input, coalesce(sum(t.output), 0) AS output,
    coalesce(sum(t.cache_read), 0) AS cache_read, coalesce(sum(t.cache_write), 0) AS cache_write
  FROM token_usages AS t WHERE t.interception_id = u.id)`;

/** No more than the column holds, which is 24 days. */
function msBetween(from: string, to: string): Prisma.Sql {
  const ms = `1000 * extract(epoch FROM ${to} - ${from})`;
  return Prisma.raw(`round(least(greatest(0, ${ms}), 2147483647))::int`);
}
