import { USAGE_SUMS } from '../../core/usage-sums.ts';
import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts';
import { UsageTotals } from './roll-up.ts';
import { bounded, GROUP, GROUPS_MAX, isNothing, summed, type GroupsMax } from './usage-groups.ts';

interface Bounds {
  /** At once. */
  readonly deltasMax: number;
  readonly groupsMax: GroupsMax;
}

/** A few seconds' work at the worst, of which nothing is lost when it is interrupted. */
const DELTAS_MAX = 10_000;

/** Whoever changes totals holds it, and finds them as the last one has left them. */
export const TOTALS_LOCK = Prisma.raw(`hashtext('aibridge_usage_totals')`);

/**
 * Writers append what they count to `usage_deltas`. This takes it from there and adds it to
 * `usage_totals` in one transaction, so that everything is always in one of the two. It takes only
 * what is committed, and of replicas one at a time does: no writer waits for it, nor it for any.
 */
export class PrismaUsageTotals extends UsageTotals {
  readonly #deltasMax: number;
  readonly #groupsMax: GroupsMax;

  constructor(
    private readonly prisma: PrismaClient,
    { deltasMax = DELTAS_MAX, groupsMax = GROUPS_MAX }: Partial<Bounds> = {},
  ) {
    super();
    this.#deltasMax = deltasMax;
    this.#groupsMax = groupsMax;
  }

  override rollUp(): Promise<boolean> {
    return this.prisma.$transaction(async (transaction) => {
      const [lock] = await transaction.$queryRaw<{ taken: boolean }[]>`
        SELECT pg_try_advisory_xact_lock(${TOTALS_LOCK}) AS taken`;
      if (lock?.taken !== true) return false;
      const [added] = await transaction.$queryRaw<{ deltas: bigint; empty: string[] }[]>(
        addDeltas(this.#deltasMax, this.#groupsMax),
      );
      if (added === undefined) throw new Error('the database does not tell what it has added up');
      const { deltas, empty } = added;
      if (empty.length > 0) await transaction.$executeRaw(deleteEmpty(empty, this.#groupsMax));
      return Number(deltas) === this.#deltasMax;
    });
  }
}

const IS_NOTHING = Prisma.raw(isNothing((sum) => sum));
const IS_SOMETHING = Prisma.raw(`NOT ${isNothing((sum) => `sum(${sum})`)}`);
const COLUMNS = Prisma.raw(GROUP.join(', '));
const KEY = Prisma.sql`initiator_id, grain, starts_at, ${COLUMNS}`;
const SUMMED = Prisma.raw(summed);
const ALL_SUMS = Prisma.raw(USAGE_SUMS.join(', '));
const ADDED = Prisma.raw(USAGE_SUMS.map((sum) => `${sum} = t.${sum} + excluded.${sum}`).join(', '));

/**
 * In the order in which they were counted: something is taken back later than it was counted, and
 * so is never found without it.
 */
function addDeltas(deltasMax: number, groupsMax: GroupsMax): Prisma.Sql {
  return Prisma.sql`
    WITH taken AS (
      DELETE FROM usage_deltas WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM usage_deltas ORDER BY id LIMIT ${deltasMax}::int)) RETURNING *),
    counted AS MATERIALIZED (
      SELECT min(id) AS id, date_trunc('day', starts_at, 'UTC') AS day, starts_at, initiator_id,
        ${COLUMNS}, ${SUMMED}
      FROM taken GROUP BY starts_at, initiator_id, ${COLUMNS} HAVING ${IS_SOMETHING}),
    ${Prisma.raw(bounded('people', 'counted', groupsMax.person))},
    together AS MATERIALIZED (
      SELECT min(id) AS id, day, starts_at, '' AS initiator_id, ${COLUMNS}, ${SUMMED}
      FROM people GROUP BY day, starts_at, ${COLUMNS}),
    ${Prisma.raw(bounded('everybody', 'together', groupsMax.everybody))},
    added AS (
      INSERT INTO usage_totals AS t (${KEY}, ${ALL_SUMS})
      SELECT initiator_id, grain, date_trunc(grain, starts_at, 'UTC'), ${COLUMNS}, ${SUMMED}
      FROM (SELECT * FROM people UNION ALL SELECT * FROM everybody) AS placed
      CROSS JOIN (VALUES ('hour'), ('day'), ('month')) AS grains(grain)
      GROUP BY 1, 2, 3, ${COLUMNS} HAVING ${IS_SOMETHING} ORDER BY 1, 2, 3, ${COLUMNS}
      ON CONFLICT (${KEY}) DO UPDATE SET ${ADDED}
      RETURNING t.ctid::text AS place, t.*)
    SELECT (SELECT count(*) FROM taken) AS deltas,
      ARRAY(SELECT place FROM added WHERE ${IS_NOTHING}) AS empty`;
}

/** Rows in which nothing is left, but of a full day none: it must never have room again. */
function deleteEmpty(places: readonly string[], groupsMax: GroupsMax): Prisma.Sql {
  return Prisma.sql`
    DELETE FROM usage_totals AS t WHERE t.ctid = ANY (${places}::tid[]) AND (t.grain <> 'day' OR
      (SELECT count(*) FROM usage_totals AS d WHERE d.initiator_id = t.initiator_id
        AND d.grain = 'day' AND d.starts_at = t.starts_at)
      < CASE t.initiator_id WHEN '' THEN ${groupsMax.everybody}::int
          ELSE ${groupsMax.person}::int END)`;
}
