import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.ts';
import { DatabaseService } from '../database/index.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { encodeCursor } from './cursor.ts';
import type { InterceptionFilter, ListQuery } from './interception-filter.ts';
import type { Interception, InterceptionDetail, InterceptionPage } from './interception-shape.ts';
import { isInOneIndex } from './one-index.ts';
import { conditions, type IdRange } from './prisma-conditions.ts';
import { DETAIL_JSON, INTERCEPTION_JSON } from './prisma-interception-shape.ts';
import type { Scope } from './scope.ts';
import { searchSpans } from './search-spans.ts';
import { timeOfId } from './time-range.ts';

const EXPORT_PAGE = 200;

/** Reads interceptions, each question within the scope of whoever asks it. */
@Injectable()
export class PrismaInterceptions {
  constructor(
    private readonly database: DatabaseService,
    private readonly clock: Clock,
  ) {}

  async page(scope: Scope, query: ListQuery): Promise<InterceptionPage> {
    const { limit, cursor, count, ...filter } = query;
    const [rows, total] = await Promise.all([
      this.#rows(scope, filter, { limit: limit + 1, before: cursor }),
      count ? this.#total(scope, filter) : undefined,
    ]);
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    return {
      items: shown.map(({ record }) => record),
      nextCursor: rows.length > limit && last !== undefined ? encodeCursor(last.id) : null,
      ...(total !== undefined && { total }),
    };
  }

  /** All that match as lines of JSON, from where a cursor says, a page in memory at a time. */
  async *pages(
    scope: Scope,
    filter: InterceptionFilter,
    after: string | undefined,
  ): AsyncGenerator<readonly string[], void> {
    let before = after;
    for (;;) {
      const rows = await this.#lines(scope, filter, { limit: EXPORT_PAGE, before });
      if (rows.length > 0) yield rows.map(({ line }) => line);
      if (rows.length < EXPORT_PAGE) return;
      before = rows.at(-1)?.id;
    }
  }

  async detail(scope: Scope, id: string): Promise<InterceptionDetail | undefined> {
    const [row] = await this.database.client.$queryRaw<{ record: InterceptionDetail }[]>(
      detailSql(scope, id),
    );
    return row?.record;
  }

  #rows(scope: Scope, filter: InterceptionFilter, page: Page) {
    return this.#found<{ id: string; record: Interception }>(
      { scope, filter, page },
      (found) => found,
    );
  }

  /** Written by the database: objects of a million records are a lot to make and to throw away. */
  #lines(scope: Scope, filter: InterceptionFilter, page: Page) {
    return this.#found<{ id: string; line: string }>(
      { scope, filter, page },
      (found) => Prisma.sql`SELECT id, record::text AS line FROM (${found}) AS f ORDER BY id DESC`,
    );
  }

  async #found<Row>(
    { scope, filter, page }: { scope: Scope; filter: InterceptionFilter; page: Page },
    select: (found: Prisma.Sql) => Prisma.Sql,
  ): Promise<Row[]> {
    const { client } = this.database;
    if (isInOneIndex(scope, filter)) return client.$queryRaw(select(pageSql(scope, filter, page)));
    let rows: Row[] = [];
    for (const statement of this.#widening(scope, filter, page)) {
      rows = await client.$queryRaw(select(statement));
      if (rows.length === page.limit) break;
    }
    return rows;
  }

  /** Each looks further back than the one before, until a page is full. */
  #widening(scope: Scope, filter: InterceptionFilter, page: Page): Prisma.Sql[] {
    const spans = searchSpans(this.#endMs(filter, page)).map((since) =>
      searchSql(scope, filter, { ...page, since }),
    );
    return filter.text === undefined ? [recentSql(scope, filter, page), ...spans] : spans;
  }

  /** No match is newer. */
  #endMs({ startedBefore }: InterceptionFilter, { before }: Page): number {
    return Math.min(
      this.clock.nowMs(),
      ...(startedBefore === undefined ? [] : [Date.parse(startedBefore)]),
      ...(before === undefined ? [] : [timeOfId(before)]),
    );
  }

  async #total(scope: Scope, filter: InterceptionFilter): Promise<number> {
    const [row] = await this.database.client.$queryRaw<{ total: bigint }[]>`
      SELECT count(*) AS total FROM interceptions AS i WHERE ${conditions(scope, filter)}`;
    return Number(row?.total ?? 0n);
  }
}

interface Page extends IdRange {
  readonly limit: number;
}

/** One index read backwards from the cursor, as far as a page needs. */
export function pageSql(scope: Scope, filter: InterceptionFilter, page: Page): Prisma.Sql {
  return Prisma.sql`
    SELECT i.id, ${INTERCEPTION_JSON} AS record FROM interceptions AS i
    WHERE ${conditions(scope, filter, page)} ORDER BY i.id DESC LIMIT ${page.limit}`;
}

/** How many records are cheaper looked at one by one than found through several indexes. */
const RECENT = 20_000;

/** Matches among the newest records: all that a page needs when matches are frequent. */
export function recentSql(scope: Scope, filter: InterceptionFilter, page: Page): Prisma.Sql {
  const { startedAfter, startedBefore } = filter;
  return Prisma.sql`
    SELECT i.id, ${INTERCEPTION_JSON} AS record FROM (
      SELECT i.* FROM interceptions AS i
      WHERE ${conditions(scope, { startedAfter, startedBefore }, page)}
      ORDER BY i.id DESC LIMIT ${RECENT}) AS i
    WHERE ${conditions(scope, filter, page)} ORDER BY i.id DESC LIMIT ${page.limit}`;
}

/**
 * Finds first and sorts then. Reading backwards until a page is full, which PostgreSQL would do on the
 * assumption that values do not depend on one another or on time, means reading all there is when they do.
 */
export function searchSql(scope: Scope, filter: InterceptionFilter, page: Page): Prisma.Sql {
  return Prisma.sql`
    WITH found AS MATERIALIZED (
      SELECT i.id FROM interceptions AS i WHERE ${conditions(scope, filter, page)}),
    newest AS MATERIALIZED (SELECT id FROM found ORDER BY id DESC LIMIT ${page.limit})
    SELECT i.id, ${INTERCEPTION_JSON} AS record FROM newest JOIN interceptions AS i USING (id) ORDER BY id DESC`;
}

export function detailSql(scope: Scope, id: string): Prisma.Sql {
  return Prisma.sql`
    SELECT ${DETAIL_JSON} AS record FROM interceptions AS i
    WHERE i.id = ${id}::uuid AND ${conditions(scope, {})}`;
}
