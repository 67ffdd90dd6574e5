import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts';
import { firstIdAt } from '../../core/ids.ts';
import type { Grain, Partition } from '../partitions/partition-plan.ts';
import {
  PrismaPartitions,
  RECORD_TABLES,
  TEXT_TABLES,
  type RecordTable,
} from '../partitions/prisma-partitions.ts';
import { TOTALS_LOCK } from '../totals/prisma-usage-totals.ts';
import { PurgeStore } from './retention.ts';

const BATCH_ROWS = 2_000;
/** Each with all that belongs to it, which is a handful of rows as a rule. */
const BATCH_RECORDS = 1_500;
/** Told to PostgreSQL as the one thing that replicas take turns at. */
const LOCK = 0x61_69_62_31;
const CHILDREN = RECORD_TABLES.filter((table) => table !== 'interceptions');

/**
 * What is past as a whole partition is dropped. Of the one in which the age ends, what is older
 * goes by rows: ids begin with their time, so that is a range of its primary key.
 */
export class PrismaPurgeStore extends PurgeStore {
  readonly #partitions: PrismaPartitions;

  constructor(
    private readonly prisma: PrismaClient,
    grain: Grain = 'month',
  ) {
    super();
    this.#partitions = new PrismaPartitions(prisma, grain);
  }

  override async nowMs(): Promise<number> {
    const [row] = await this.prisma.$queryRaw<{ now: Date }[]>`SELECT now() AS now`;
    if (row === undefined) throw new Error('the database does not tell the time');
    return row.now.getTime();
  }

  override async makeRoom(untilMs: number): Promise<void> {
    await this.#partitions.make(await this.nowMs(), untilMs);
  }

  /** PostgreSQL analyzes partitions by itself, but never the tables that they are of. */
  override async analyze(): Promise<void> {
    const due = await this.prisma.$queryRaw<{ name: string }[]>`
      SELECT relname AS name FROM pg_stat_user_tables
      WHERE relid = ANY (${RECORD_TABLES.map(String)}::regclass[])
        AND (last_analyze IS NULL OR last_analyze < now() - interval '1 day')`;
    for (const { name } of due) {
      await this.prisma.$executeRaw`ANALYZE (SKIP_LOCKED) ${Prisma.raw(`"${name}"`)}`;
    }
  }

  override dropRecords(olderThanMs: number): Promise<number> {
    return this.#dropPast(RECORD_TABLES, 'interceptions', olderThanMs);
  }

  override dropTexts(olderThanMs: number): Promise<number> {
    return this.#dropPast(TEXT_TABLES, 'prompts', olderThanMs);
  }

  override purgeRecords(olderThanMs: number): Promise<number | undefined> {
    return this.#inTurn([deleteRecords(firstIdAt(olderThanMs))]);
  }

  override async purgeLeftovers(olderThanMs: number): Promise<number | undefined> {
    return this.#inTurn([
      // What is left of those whose start was never stored.
      ...(await this.#edgesOf(CHILDREN, olderThanMs)),
      deleteBelow('key_events', 'id', firstIdAt(olderThanMs)),
      LOCK_KINDS,
      FORGET_KINDS,
    ]);
  }

  override async purgeTexts(olderThanMs: number): Promise<number | undefined> {
    return this.#inTurn(await this.#edgesOf(TEXT_TABLES, olderThanMs));
  }

  override purgeUsage(olderThanMs: number): Promise<number | undefined> {
    const olderThan = new Date(olderThanMs);
    return this.#inTurn([
      LOCK_TOTALS,
      ...['hour', 'day', 'month'].map((grain) => deleteInitiators(grain, olderThan)),
    ]);
  }

  override purgeUnlinked(notedBeforeMs: number): Promise<number | undefined> {
    const before = new Date(notedBeforeMs);
    return this.#inTurn([
      Prisma.sql`
        DELETE FROM unlinked_calls WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM unlinked_calls WHERE noted_at < ${before}
          ORDER BY noted_at LIMIT ${BATCH_ROWS}))`,
    ]);
  }

  override purgeEndings(kept: number): Promise<number | undefined> {
    return this.#inTurn([endingsBefore(kept), ENDINGS_OF_ANOTHER_SERVER]);
  }

  override purgeMarks(markedBeforeMs: number): Promise<number | undefined> {
    return this.#inTurn([
      Prisma.sql`
        DELETE FROM journal_marks AS m WHERE m.marked_at < ${new Date(markedBeforeMs)}
          AND NOT EXISTS (SELECT FROM instances AS n WHERE n.id = m.instance_id)`,
    ]);
  }

  /** Records go before what belongs to them, so that nobody finds one without. */
  async #dropPast(
    tables: readonly RecordTable[],
    counted: RecordTable,
    olderThanMs: number,
  ): Promise<number> {
    const below = firstIdAt(olderThanMs);
    const past: Partition[] = [];
    let count = 0;
    for (const table of tables) {
      await this.#partitions.dropDetached(table);
      const partitions = await this.#partitions.of(table);
      for (const partition of partitions.filter(({ to }) => to <= below)) {
        if (table === counted) count += await this.#partitions.rowsIn(partition);
        await this.#partitions.detach(table, partition);
        past.push(partition);
      }
    }
    await this.#partitions.drop(past);
    return count;
  }

  /** Straight from the partitions that hold what is newer, too: a row's place is only known within one. */
  async #edgesOf(tables: readonly RecordTable[], olderThanMs: number): Promise<Prisma.Sql[]> {
    const below = firstIdAt(olderThanMs);
    const edges = tables.map(async (table) => {
      const partitions = await this.#partitions.of(table);
      return partitions
        .filter(({ from }) => from < below)
        .map(({ name }) => deleteBelow(name, 'interception_id', below));
    });
    return (await Promise.all(edges)).flat();
  }

  /** The first of the statements that finds something does its batch; the next call goes on. */
  #inTurn(statements: readonly Prisma.Sql[]): Promise<number | undefined> {
    return this.prisma.$transaction(async (transaction) => {
      const [lock] = await transaction.$queryRaw<{ taken: boolean }[]>`
        SELECT pg_try_advisory_xact_lock(${LOCK}) AS taken`;
      if (lock?.taken !== true) return undefined;
      for (const statement of statements) {
        const rows = await transaction.$executeRaw(statement);
        if (rows > 0) return rows;
      }
      return 0;
    });
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

/** Whoever adds up takes turns with this, so that none of the two waits for a row while it holds others. */
const LOCK_TOTALS = Prisma.sql`DO $$ BEGIN PERFORM pg_advisory_xact_lock(${TOTALS_LOCK}); END $$`;

/** Of hours, days and months that were over by then: what a younger question counts on is all there. */
function deleteInitiators(grain: string, olderThan: Date): Prisma.Sql {
  return Prisma.sql`
    DELETE FROM usage_totals WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM usage_totals WHERE initiator_id <> '' AND grain = ${grain}
        AND starts_at < date_trunc(${grain}, ${olderThan}, 'UTC')
      ORDER BY starts_at LIMIT ${BATCH_ROWS}))`;
}

/**
 * From the first transaction on and never one before another, nor one while there may be more of an
 * earlier one: so live tails know from the first that is left what may have gone.
 */
function endingsBefore(kept: number): Prisma.Sql {
  return Prisma.sql`
    WITH oldest AS MATERIALIZED (
      SELECT ctid AS place, transaction, position FROM interception_endings
      WHERE transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
      ORDER BY transaction, position LIMIT ${BATCH_ROWS}),
    first_kept AS (
      SELECT min(transaction) AS transaction FROM oldest
      WHERE position > (SELECT last_value FROM interception_endings_position_seq) - ${kept}::bigint)
    DELETE FROM interception_endings WHERE ctid = ANY (ARRAY(
      SELECT place FROM oldest
      WHERE transaction < coalesce((SELECT transaction FROM first_kept), transaction + 1)))`;
}

/** Restored with the rest, and numbered as this server will number transactions that are to come. */
const ENDINGS_OF_ANOTHER_SERVER = Prisma.sql`
  DELETE FROM interception_endings WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM interception_endings
    WHERE transaction >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    ORDER BY transaction LIMIT ${BATCH_ROWS}))`;

/** In one statement, so that nobody sees a record without what belongs to it. */
function deleteRecords(below: string): Prisma.Sql {
  const gone = Prisma.sql`ANY (ARRAY(SELECT id FROM gone))`;
  const children = CHILDREN.map((table) => {
    const [name, from] = [Prisma.raw(`gone_${table}`), Prisma.raw(table)];
    return Prisma.sql`${name} AS (
      DELETE FROM ${from} WHERE interception_id = ${gone} AND interception_id < ${below}::uuid)`;
  });
  return Prisma.sql`
    WITH gone AS MATERIALIZED (
        SELECT id FROM interceptions WHERE id < ${below}::uuid ORDER BY id LIMIT ${BATCH_RECORDS}),
      ${Prisma.join(children)}
    DELETE FROM interceptions WHERE id = ${gone} AND id < ${below}::uuid`;
}

function deleteBelow(table: string, column: string, below: string): Prisma.Sql {
  const [from, by] = [Prisma.raw(`"${table}"`), Prisma.raw(column)];
  return Prisma.sql`
    DELETE FROM ${from} WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM ${from} WHERE ${by} < ${below}::uuid ORDER BY ${by} LIMIT ${BATCH_ROWS}))`;
}
