import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts';
import { firstIdAt } from '../../core/ids.ts';
import { PurgeStore } from './retention.ts';

const BATCH_ROWS = 2_000;
/** Each with all that belongs to it, which is a handful of rows as a rule. */
const BATCH_RECORDS = 500;
/** Told to PostgreSQL as the one thing that replicas take turns at. */
const LOCK = 0x61_69_62_31;
const TIMEOUT_MS = 60_000;

const CHILDREN = ['attempts', 'token_usages', 'prompts', 'tool_usages', 'thoughts'];

/**
 * Ids begin with their time, so what is older is a range of ids: of the primary
 * key for interceptions, of the index on `interception_id` for what belongs to them.
 */
export class PrismaPurgeStore extends PurgeStore {
  constructor(private readonly prisma: PrismaClient) {
    super();
  }

  override async nowMs(): Promise<number> {
    const [row] = await this.prisma.$queryRaw<{ now: Date }[]>`SELECT now() AS now`;
    if (row === undefined) throw new Error('the database does not tell the time');
    return row.now.getTime();
  }

  override purgeRecords(olderThanMs: number): Promise<number | undefined> {
    const below = firstIdAt(olderThanMs);
    return this.#inTurn([
      deleteRecords(below),
      // What is left of those whose start was never stored.
      ...CHILDREN.map((table) => deleteBelow(table, 'interception_id', below)),
      deleteBelow('key_events', 'id', below),
      LOCK_KINDS,
      FORGET_KINDS,
    ]);
  }

  override purgeTexts(olderThanMs: number, doneBeforeMs: number): Promise<number | undefined> {
    const below = firstIdAt(olderThanMs);
    return this.#inTurn([
      deleteBelow('prompts', 'interception_id', below),
      deleteBelow('thoughts', 'interception_id', below),
      forgetInputs(firstIdAt(doneBeforeMs), below),
    ]);
  }

  /** The first of the statements that finds something does its batch; the next call goes on. */
  #inTurn(statements: readonly Prisma.Sql[]): Promise<number | undefined> {
    return this.prisma.$transaction(
      async (transaction) => {
        const [lock] = await transaction.$queryRaw<{ taken: boolean }[]>`
          SELECT pg_try_advisory_xact_lock(${LOCK}) AS taken`;
        if (lock?.taken !== true) return undefined;
        for (const statement of statements) {
          const rows = await transaction.$executeRaw(statement);
          if (rows > 0) return rows;
        }
        return 0;
      },
      { timeout: TIMEOUT_MS, maxWait: TIMEOUT_MS },
    );
  }
}

/**
 * Nobody writes a record while this is held: one whose kind was taken for unused meanwhile would be
 * in no list. A statement of its own, as the next one has to see all that was written before it.
 */
const LOCK_KINDS = Prisma.sql`
  DO $$ BEGIN PERFORM pg_advisory_xact_lock(hashtext('aibridge_kinds')); END $$`;

const FORGET_KINDS = Prisma.sql`
  DELETE FROM interception_kinds WHERE id = ANY (ARRAY(
    SELECT k.id FROM interception_kinds AS k
    WHERE NOT EXISTS (SELECT FROM interceptions AS i WHERE i.kind_id = k.id)
    LIMIT ${BATCH_ROWS}))`;

/** In one statement, so that nobody sees a record without what belongs to it. */
function deleteRecords(below: string): Prisma.Sql {
  const gone = Prisma.sql`ANY (ARRAY(SELECT id FROM gone))`;
  const children = CHILDREN.map((table) => {
    const [name, from] = [Prisma.raw(`gone_${table}`), Prisma.raw(table)];
    return Prisma.sql`${name} AS (DELETE FROM ${from} WHERE interception_id = ${gone})`;
  });
  return Prisma.sql`
    WITH gone AS MATERIALIZED (
        SELECT id FROM interceptions WHERE id < ${below}::uuid ORDER BY id LIMIT ${BATCH_RECORDS}),
      ${Prisma.join(children)}
    DELETE FROM interceptions WHERE id = ${gone}`;
}

function deleteBelow(table: string, column: string, below: string): Prisma.Sql {
  const [from, by] = [Prisma.raw(table), Prisma.raw(column)];
  return Prisma.sql`
    DELETE FROM ${from} WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM ${from} WHERE ${by} < ${below}::uuid ORDER BY ${by} LIMIT ${BATCH_ROWS}))`;
}

function forgetInputs(from: string, below: string): Prisma.Sql {
  return Prisma.sql`
    UPDATE tool_usages SET input = NULL WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM tool_usages
      WHERE interception_id >= ${from}::uuid AND interception_id < ${below}::uuid
        AND input IS NOT NULL LIMIT ${BATCH_ROWS}))`;
}
