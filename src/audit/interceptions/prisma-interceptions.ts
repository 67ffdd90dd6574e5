import { Injectable } from '@nestjs/common';
import { Clock } from '../../core/clock.ts';
import { DatabaseService } from '../../database/index.ts';
import { Prisma } from '../../generated/prisma/client.ts';
import { encodeCursor } from '../question/cursor.ts';
import {
  NOTHING_EXPORTED,
  type ExportedLine,
  type ExportedPage,
  type Statement,
} from '../export/export-page.ts';
import type { ListQuery } from '../question/interception-filter.ts';
import type { Interception, InterceptionDetail, InterceptionPage } from './interception-shape.ts';
import { conditions, type Question } from '../question/prisma-conditions.ts';
import { DETAIL_JSON } from './prisma-interception-shape.ts';
import { kindsOf } from '../question/prisma-kinds.ts';
import { pageStatements, type Page } from './prisma-pages.ts';
import type { Scope } from '../question/scope.ts';
import { timeOfId } from '../question/time-range.ts';

const EXPORT_PAGE = 500;

/** Reads interceptions, each question within the scope of whoever asks it. */
@Injectable()
export class PrismaInterceptions {
  constructor(
    private readonly database: DatabaseService,
    private readonly clock: Clock,
  ) {}

  async page(scope: Scope, query: ListQuery): Promise<InterceptionPage> {
    const { limit, cursor, count, ...filter } = query;
    const question = await this.#narrowed({ scope, filter });
    const [rows, total] = await Promise.all([
      this.#rows(question, { limit: limit + 1, before: cursor }),
      count ? this.#total(question) : undefined,
    ]);
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    return {
      items: shown.map(({ record }) => record),
      nextCursor: rows.length > limit && last !== undefined ? encodeCursor(last.id) : null,
      ...(total !== undefined && { total }),
    };
  }

  /** A page of an export, after a record, as whoever reads its lines makes it up. */
  async exportPage(
    question: Question,
    before: string | undefined,
    read: (statement: Statement) => Promise<ExportedPage>,
  ): Promise<ExportedPage & { readonly isLast: boolean }> {
    let found = NOTHING_EXPORTED;
    const page = { limit: EXPORT_PAGE, before };
    for (const statement of this.#statements(await this.#narrowed(question), page)) {
      found = await read(asLines(statement));
      if (found.count === EXPORT_PAGE) break;
    }
    return { ...found, isLast: found.count < EXPORT_PAGE };
  }

  /** Reads a page of an export here: sooner than a thread has begun. */
  async lines({ text, values }: Statement): Promise<ExportedLine[]> {
    return this.database.client.$queryRawUnsafe<ExportedLine[]>(text, ...values);
  }

  async detail(scope: Scope, id: string): Promise<InterceptionDetail | undefined> {
    const [row] = await this.database.client.$queryRaw<{ record: InterceptionDetail }[]>(
      detailSql(scope, id),
    );
    return row?.record;
  }

  async #narrowed({ scope, filter }: Question): Promise<Question> {
    return { scope, filter, kinds: await kindsOf(this.database.client, filter) };
  }

  async #rows(question: Question, page: Page): Promise<InterceptionRow[]> {
    let rows: InterceptionRow[] = [];
    for (const statement of this.#statements(question, page)) {
      rows = await this.database.client.$queryRaw<InterceptionRow[]>(statement);
      if (rows.length === page.limit) break;
    }
    return rows;
  }

  #statements(question: Question, page: Page): Prisma.Sql[] {
    if (question.kinds?.length === 0) return [];
    return pageStatements(question, page, this.#endMs(question, page));
  }

  /** No match is newer. */
  #endMs({ filter: { startedBefore } }: Question, { before }: Page): number {
    return Math.min(
      this.clock.nowMs(),
      ...(startedBefore === undefined ? [] : [Date.parse(startedBefore)]),
      ...(before === undefined ? [] : [timeOfId(before)]),
    );
  }

  async #total(question: Question): Promise<number> {
    const [row] = await this.database.client.$queryRaw<{ total: bigint }[]>`
      SELECT count(*) AS total FROM interceptions AS i WHERE ${conditions(question)}`;
    return Number(row?.total ?? 0n);
  }
}

interface InterceptionRow {
  readonly id: string;
  readonly record: Interception;
}

/** Written by the database: objects of a million records are a lot to make and to throw away. */
function asLines(found: Prisma.Sql): Statement {
  const { text, values } = Prisma.sql`
    SELECT id, record::text AS line FROM (${found}) AS found ORDER BY id DESC`;
  return { text, values };
}

export function detailSql(scope: Scope, id: string): Prisma.Sql {
  return Prisma.sql`
    SELECT ${DETAIL_JSON} AS record FROM interceptions AS i
    WHERE i.id = ${id}::uuid AND ${conditions({ scope, filter: {} })}`;
}
