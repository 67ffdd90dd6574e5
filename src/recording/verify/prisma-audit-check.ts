import { RECORD_TABLES } from '../partitions/prisma-partitions.ts';
import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts';
import type { Finding, JournaledInterception } from './audit-findings.ts';

const EXAMPLES = 5;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const CHILD_TABLES = RECORD_TABLES.filter((table) => table !== 'interceptions');

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
    what: 'ended, with an attempt that has not',
    ids: Prisma.sql`
      SELECT i.id FROM attempts a JOIN interceptions i ON i.id = a.interception_id
      WHERE a.outcome = 'in_progress' AND i.status <> 'in_progress'`,
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
  ...CHILD_TABLES.map((table) => ({
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

  /** Those that the database does not have. */
  async unknown(ids: readonly string[]): Promise<readonly string[]> {
    const absent = await this.prisma.$queryRaw<{ id: string }[]>`
      SELECT DISTINCT id::text FROM unnest(${ids.filter(isUuid)}::uuid[]) AS id
      WHERE NOT EXISTS (SELECT FROM interceptions i WHERE i.id = id.id)`;
    return [...absent.map(({ id }) => id), ...ids.filter((id) => !isUuid(id))];
  }

  /** What a journal holds and the database does not have yet. */
  async missing(
    journaled: ReadonlyMap<string, JournaledInterception>,
  ): Promise<{ readonly interceptions: readonly string[]; readonly rows: number }> {
    const ids = [...journaled.keys()];
    const rows = [...journaled].flatMap(([of, { rowIds }]) => rowIds.map((id) => ({ of, id })));
    const storable = rows.filter(({ of, id }) => isUuid(of) && isUuid(id));
    const isNowhere = CHILD_TABLES.map(
      (table) => Prisma.sql`NOT EXISTS (SELECT FROM ${Prisma.raw(table)} t
        WHERE t.interception_id = row.of AND t.id = row.id)`,
    );
    const [missing] = await this.prisma.$queryRaw<{ count: bigint }[]>`
      SELECT count(*) AS count
      FROM unnest(${storable.map(({ of }) => of)}::uuid[], ${storable.map(({ id }) => id)}::uuid[])
        AS row(of, id)
      WHERE ${Prisma.join(isNowhere, ' AND ')}`;
    return {
      interceptions: await this.unknown(ids),
      rows: Number(missing?.count ?? 0) + rows.length - storable.length,
    };
  }
}

/** What is none is nowhere in the database, and could not be asked for. */
function isUuid(id: string): boolean {
  return UUID.test(id);
}
