import { unreachable } from '../../core/errors.ts';
import { Prisma } from '../../generated/prisma/client.ts';
import {
  conditions,
  conditionsOfKind,
  type IdRange,
  type Question,
} from '../question/prisma-conditions.ts';
import { INTERCEPTION_JSON } from './prisma-interception-shape.ts';
import { readingOf } from '../question/reading.ts';
import { searchSpans } from './search-spans.ts';

export interface Page extends IdRange {
  readonly limit: number;
}

/** How many records are cheaper looked at one by one than found through several indexes. */
const RECENT = 5_000;

/**
 * The statements that find a page of the newest matches, as (id, record): each looks further than
 * the one before, and the first that fills the page has it; the last has all there is. No match is
 * newer than `endMs`.
 */
export function pageStatements(question: Question, page: Page, endMs: number): Prisma.Sql[] {
  const { scope, filter, kinds } = question;
  const reading = readingOf(scope, filter, kinds !== undefined);
  switch (reading) {
    case 'index':
      return [indexSql(question, page)];
    case 'kinds':
      return [kindsSql(question, page)];
    case 'search': {
      const spans = searchSpans(endMs).map((since) => searchSql(question, { ...page, since }));
      return filter.text === undefined ? [recentSql(question, page), ...spans] : spans;
    }
    default:
      return unreachable(reading, 'pageStatements');
  }
}

/** One index read backwards from the cursor, as far as a page needs. */
function indexSql(question: Question, page: Page): Prisma.Sql {
  return Prisma.sql`
    SELECT i.id, ${INTERCEPTION_JSON} AS record FROM interceptions AS i
    WHERE ${conditions(question, page)} ORDER BY i.id DESC LIMIT ${page.limit}`;
}

/**
 * From an index that has each kind in the order of ids: the kinds whose newest match is newest, as
 * many as the page has records, and the newest matches of these. No other kind can have one of the page.
 */
function kindsSql(question: Question, page: Page): Prisma.Sql {
  const newestOf = (kind: string, limit: number): Prisma.Sql => Prisma.sql`
    SELECT i.id FROM interceptions AS i
    WHERE i.kind_id = ${Prisma.raw(kind)}.id AND ${conditionsOfKind(question, page)}
    ORDER BY i.id DESC LIMIT ${limit}`;
  return newest(
    Prisma.sql`
      SELECT match.id FROM (
        SELECT kind.id FROM unnest(${question.kinds ?? []}::uuid[]) AS kind(id)
        CROSS JOIN LATERAL (${newestOf('kind', 1)}) AS head
        ORDER BY head.id DESC LIMIT ${page.limit}) AS front
      CROSS JOIN LATERAL (${newestOf('front', page.limit)}) AS match`,
    page,
  );
}

/** Matches among the newest records: all that a page needs when matches are frequent. */
function recentSql(question: Question, page: Page): Prisma.Sql {
  const { startedAfter, startedBefore } = question.filter;
  const recent = { scope: question.scope, filter: { startedAfter, startedBefore } };
  return Prisma.sql`
    SELECT i.id, ${INTERCEPTION_JSON} AS record FROM (
      SELECT i.* FROM interceptions AS i WHERE ${conditions(recent, page)}
      ORDER BY i.id DESC LIMIT ${RECENT}) AS i
    WHERE ${conditions(question, page)} ORDER BY i.id DESC LIMIT ${page.limit}`;
}

/**
 * Finds first and sorts then. Reading backwards until a page is full, which PostgreSQL would do on the
 * assumption that values do not depend on one another or on time, means reading all there is when they do.
 */
function searchSql(question: Question, page: Page): Prisma.Sql {
  return newest(
    Prisma.sql`SELECT i.id FROM interceptions AS i WHERE ${conditions(question, page)}`,
    page,
  );
}

/** Sorts ids alone, and reads no more records than are shown. */
function newest(found: Prisma.Sql, { limit }: Page): Prisma.Sql {
  return Prisma.sql`
    WITH found AS MATERIALIZED (${found}),
    newest AS MATERIALIZED (SELECT id FROM found ORDER BY id DESC LIMIT ${limit})
    SELECT i.id, ${INTERCEPTION_JSON} AS record FROM newest JOIN interceptions AS i USING (id)
    ORDER BY id DESC`;
}
