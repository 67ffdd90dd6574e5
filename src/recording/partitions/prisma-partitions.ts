import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts';
import { missingPartitions, type Grain, type IdRange, type Partition } from './partition-plan.ts';

/** An interception, and what belongs to it and stays as long. */
const RECORDS = ['interceptions', 'attempts', 'token_usages', 'tool_usages'] as const;
/** What may have to go sooner. */
const TEXTS = ['prompts', 'tool_inputs', 'thoughts'] as const;

/** Those that are partitioned: by the id of the interception, which begins with its time. */
export const RECORD_TABLES = [...RECORDS, ...TEXTS] as const;
export const TEXT_TABLES = TEXTS;
export type RecordTable = (typeof RECORD_TABLES)[number];

/**
 * What a partitioned table cannot say for its partitions. Defaults wait for a fifth of a table, which
 * at millions of rows means long waits and then long runs; small, frequent ones also keep the
 * visibility map fresh for index-only scans.
 */
function storageOf(table: RecordTable): string {
  const share = table === 'interceptions' ? 0.01 : 0.02;
  return `autovacuum_vacuum_scale_factor = ${share}, autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = ${share}`;
}

/** The partitions of the tables of records: made before they are needed, dropped when they are past. */
export class PrismaPartitions {
  constructor(
    private readonly prisma: PrismaClient,
    private readonly grain: Grain,
  ) {}

  /** Makes those that are not there for what happens between two times. Replicas take turns. */
  async make(fromMs: number, toMs: number): Promise<void> {
    const wanted = { fromMs, toMs, grain: this.grain };
    await this.prisma.$transaction(async (transaction) => {
      await transaction.$executeRaw`
        SELECT pg_advisory_xact_lock(hashtext('aibridge_partitions'))`;
      for (const table of RECORD_TABLES) {
        const present = await partitionsOf(transaction, table);
        for (const partition of missingPartitions(table, present, wanted)) {
          for (const statement of making(table, partition)) {
            await transaction.$executeRawUnsafe(statement);
          }
        }
      }
    });
  }

  of(table: RecordTable): Promise<Partition[]> {
    return partitionsOf(this.prisma, table);
  }

  /**
   * Takes a partition out of its table, and keeps nobody from reading or writing the others: it
   * waits for whoever is using this one.
   */
  async detach(table: RecordTable, { name }: Partition): Promise<void> {
    await this.prisma.$executeRaw`
      ALTER TABLE ${quoted(table)} DETACH PARTITION ${quoted(name)} CONCURRENTLY`;
  }

  /** Of what has been detached. */
  async drop(partitions: readonly Partition[]): Promise<void> {
    if (partitions.length === 0) return;
    const names = Prisma.join(partitions.map(({ name }) => quoted(name)));
    await this.prisma.$executeRaw`DROP TABLE IF EXISTS ${names}`;
  }

  /** However large it is: what takes too long to count is estimated. */
  async rowsIn({ name }: Partition): Promise<number> {
    try {
      const [rows] = await this.prisma.$queryRaw<{ count: bigint }[]>`
        SELECT count(*) AS count FROM ${quoted(name)}`;
      return Number(rows?.count ?? 0n);
    } catch {
      // If it was not the time that it takes, the next statement meets it as well, and says so.
      const [row] = await this.prisma.$queryRaw<{ rows: number }[]>`
        SELECT greatest(reltuples, 0)::float8 AS rows FROM pg_class WHERE oid = ${name}::regclass`;
      return row?.rows ?? 0;
    }
  }

  /** Goes on where a process died that was dropping a partition. */
  async dropDetached(table: RecordTable): Promise<void> {
    const leftovers = await this.prisma.$queryRaw<{ name: string; isPending: boolean }[]>`
      SELECT c.relname AS name, coalesce(i.inhdetachpending, false) AS "isPending"
      FROM pg_class AS c LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
      WHERE c.relkind = 'r' AND c.relname ~ ${`^${table}_[0-9]{8}$`}
        AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = ${table}::regclass)
        AND (i.inhdetachpending OR NOT c.relispartition)`;
    for (const { name, isPending } of leftovers) {
      if (isPending) {
        await this.prisma.$executeRaw`
          ALTER TABLE ${quoted(table)} DETACH PARTITION ${quoted(name)} FINALIZE`;
      }
      await this.prisma.$executeRaw`DROP TABLE ${quoted(name)}`;
    }
  }
}

/** A name of ours, which holds no quote. */
function quoted(name: string): Prisma.Sql {
  return Prisma.raw(`"${name}"`);
}

/** Without the lock on the parent that `CREATE TABLE … PARTITION OF` takes: readers go on. */
function making(table: RecordTable, { name, from, to }: Partition): string[] {
  return [
    `CREATE TABLE "${name}" (LIKE "${table}" INCLUDING ALL) WITH (${storageOf(table)})`,
    `ALTER TABLE "${table}" ATTACH PARTITION "${name}" FOR VALUES FROM ('${from}') TO ('${to}')`,
  ];
}

type Queries = Pick<PrismaClient, '$queryRaw'>;

async function partitionsOf(queries: Queries, table: RecordTable): Promise<Partition[]> {
  const rows = await queries.$queryRaw<{ name: string; bounds: string }[]>`
    SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = ${table}::regclass AND NOT i.inhdetachpending ORDER BY 1`;
  return rows.map(({ name, bounds }) => ({ name, ...rangeIn(bounds) }));
}

const RANGE = /^FOR VALUES FROM \('([0-9a-f-]{36})'\) TO \('([0-9a-f-]{36})'\)$/;

function rangeIn(bounds: string): IdRange {
  const [, from, to] = RANGE.exec(bounds) ?? [];
  if (from === undefined || to === undefined) {
    throw new Error(`a partition that the bridge did not make: ${bounds}`);
  }
  return { from, to };
}
