import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts';
import type { Finding, JournaledInterception } from './audit-findings.ts';

const EXAMPLES = 5;

/** Each query answers the ids of the interceptions in which something does not fit. */
const CHECKS: readonly { readonly what: string; readonly ids: Prisma.Sql }[] = [
  {
    what: 'started, never ended, and no process alive that could end it',
    ids: Prisma.sql`
      SELECT i.id FROM interceptions i LEFT JOIN instances n ON n.id = i.instance_id
      WHERE i.status = 'in_progress' AND n.id IS NULL`,
  },
  {
    what: 'ended without a time of its end, or open with one',
    ids: Prisma.sql`
      SELECT id FROM interceptions WHERE (status = 'in_progress') <> (ended_at IS NULL)`,
  },
  {
    what: 'the number of attempts is not the one the end names',
    ids: Prisma.sql`
      SELECT i.id FROM interceptions i
      WHERE i.status IN ('completed', 'failed', 'aborted') AND i.attempt_count <>
        (SELECT count(*) FROM attempts a WHERE a.interception_id = i.id)`,
  },
  {
    what: 'the hint is not that of the last key tried',
    ids: Prisma.sql`
      SELECT i.id FROM interceptions i
      CROSS JOIN LATERAL (
        SELECT a.credential_hint FROM attempts a
        WHERE a.interception_id = i.id ORDER BY a.ordinal DESC LIMIT 1) AS last
      WHERE i.status IN ('completed', 'failed', 'aborted')
        AND i.credential_hint <> last.credential_hint`,
  },
  {
    what: 'the tokens are not the sum of the recorded usage',
    ids: Prisma.sql`
      SELECT i.id FROM interceptions i
      CROSS JOIN LATERAL (
        SELECT coalesce(sum(u.input), 0) AS input, coalesce(sum(u.output), 0) AS output
        FROM token_usages u WHERE u.interception_id = i.id) AS used
      WHERE i.status IN ('completed', 'failed', 'aborted')
        AND (i.input_tokens <> used.input OR i.output_tokens <> used.output)`,
  },
  ...['attempts', 'token_usages', 'prompts', 'tool_usages', 'thoughts'].map((table) => ({
    what: `rows in ${table} that belong to no interception`,
    ids: Prisma.sql`
      SELECT c.interception_id AS id FROM ${Prisma.raw(table)} c
      WHERE NOT EXISTS (SELECT FROM interceptions i WHERE i.id = c.interception_id)`,
  })),
];

/** Looks for what the recording pipeline promises never to happen. Reads only. */
export class PrismaAuditCheck {
  constructor(private readonly prisma: PrismaClient) {}

  async *findings(): AsyncGenerator<Finding> {
    for (const { what, ids } of CHECKS) {
      const [row] = await this.prisma.$queryRaw<{ count: bigint; examples: string[] }[]>`
        WITH wrong AS (${ids})
        SELECT count(*) AS count,
          ARRAY(SELECT id::text FROM wrong ORDER BY id DESC LIMIT ${EXAMPLES}) AS examples
        FROM wrong`;
      yield { what, count: Number(row?.count ?? 0), examples: row?.examples ?? [] };
    }
  }

  /** What a journal holds and the database does not have yet. */
  async missing(
    journaled: ReadonlyMap<string, JournaledInterception>,
  ): Promise<{ readonly interceptions: readonly string[]; readonly rows: number }> {
    const ids = [...journaled.keys()];
    const rowIds = [...journaled.values()].flatMap((interception) => interception.rowIds);
    const absent = await this.prisma.$queryRaw<{ id: string }[]>`
      SELECT id::text FROM unnest(${ids}::uuid[]) AS id
      WHERE NOT EXISTS (SELECT FROM interceptions i WHERE i.id = id.id)`;
    const [rows] = await this.prisma.$queryRaw<{ count: bigint }[]>`
      SELECT count(*) AS count FROM unnest(${rowIds}::uuid[]) AS row(id)
      WHERE NOT EXISTS (SELECT FROM attempts t WHERE t.id = row.id)
        AND NOT EXISTS (SELECT FROM token_usages t WHERE t.id = row.id)
        AND NOT EXISTS (SELECT FROM prompts t WHERE t.id = row.id)
        AND NOT EXISTS (SELECT FROM tool_usages t WHERE t.id = row.id)
        AND NOT EXISTS (SELECT FROM thoughts t WHERE t.id = row.id)`;
    return { interceptions: absent.map(({ id }) => id), rows: Number(rows?.count ?? 0) };
  }
}
