import { Injectable } from '@nestjs/common';
import { Clock } from '../../core/clock.ts';
import { timeOfId } from '../../core/ids.ts';
import { Prisma } from '../../generated/prisma/client.ts';
import { encodeCursor } from '../question/cursor.ts';
import type { ListQuery } from '../question/interception-filter.ts';
import type { Interception, InterceptionDetail, InterceptionPage } from './interception-shape.ts';
import { conditions, type Question } from '../question/prisma-conditions.ts';
import { DETAIL_JSON } from './prisma-interception-shape.ts';
import { kindsOf } from '../question/prisma-kinds.ts';
import { pageStatements, type Page } from './prisma-pages.ts';
import type { Scope } from '../question/scope.ts';
import { PrismaReads } from '../question/prisma-reads.ts';

/** Reads interceptions, each question within the scope of whoever asks it. */
@Injectable()
export class PrismaInterceptions {
  constructor(
    private readonly reads: PrismaReads,
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

  /** The statements that find a page, as (id, record): the first that fills it has it. */
  async statements(question: Question, page: Page): Promise<Prisma.Sql[]> {
    return this.#statements(await this.#narrowed(question), page);
  }

  detail(scope: Scope, id: string): Promise<InterceptionDetail | undefined> {
    return this.reads.find(async (client) => {
      const sql = detailSql(scope, id);
      const [row] = await client.$queryRaw<{ record: InterceptionDetail }[]>(sql);
      return row?.record;
    });
  }

  async #narrowed({ scope, filter }: Question): Promise<Question> {
    return { scope, filter, kinds: await this.reads.ask((client) => kindsOf(client, filter)) };
  }

  async #rows(question: Question, page: Page): Promise<InterceptionRow[]> {
    let rows: InterceptionRow[] = [];
    for (const statement of this.#statements(question, page)) {
      rows = await this.reads.ask((client) => client.$queryRaw<InterceptionRow[]>(statement));
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
    const [row] = await this.reads.ask(
      (client) => client.$queryRaw<{ total: bigint }[]>`
      SELECT count(*) AS total FROM interceptions AS i WHERE ${conditions(question)}`,
    );
    return Number(row?.total ?? 0n);
  }
}

interface InterceptionRow {
  readonly id: string;
  readonly record: Interception;
}

export function detailSql(scope: Scope, id: string): Prisma.Sql {
  return Prisma.sql`
    SELECT ${DETAIL_JSON} AS record FROM interceptions AS i
    WHERE i.id = ${id}::uuid AND ${conditions({ scope, filter: {} })}`;
}
