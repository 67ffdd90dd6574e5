import { Injectable } from '@nestjs/common';
import { Prisma } from '../../generated/prisma/client.ts';
import type { Facet, FacetAnswer, FacetQuery } from './facet-shape.ts';
import { conditions } from '../question/prisma-conditions.ts';
import type { Scope } from '../question/scope.ts';
import { PrismaReads } from '../question/prisma-reads.ts';

/** Those that the totals have. */
const COLUMNS: Record<Exclude<Facet, 'tools' | 'purposes'>, string> = {
  initiators: 'initiator_id',
  providers: 'provider_name',
  models: 'model',
  servedModels: 'served_model',
  clients: 'client',
};
/** A member's own tools and purposes are those of so many of their newest records. */
const OWN_RECORDS_MAX = 5_000;

/** Reads the values that filters can have. */
@Injectable()
export class PrismaFacets {
  constructor(private readonly reads: PrismaReads) {}

  async values(scope: Scope, facet: Facet, query: FacetQuery): Promise<FacetAnswer> {
    const rows = await this.reads.ask((client) =>
      client.$queryRaw<{ value: string }[]>(facetSql(scope, facet, query)),
    );
    return { items: rows.map((row) => row.value) };
  }
}

export function facetSql(scope: Scope, facet: Facet, query: FacetQuery): Prisma.Sql {
  const prefix = `${(query.prefix ?? '').toLowerCase().replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  return Prisma.sql`
    SELECT DISTINCT value FROM (${valuesOf(scope, facet)}) AS v WHERE lower(value) LIKE ${prefix}
    ORDER BY value LIMIT ${query.limit}`;
}

function valuesOf(scope: Scope, facet: Facet): Prisma.Sql {
  if (facet === 'purposes') return scope.kind === 'own' ? purposesOf(scope) : PURPOSES;
  if (facet === 'tools') {
    return scope.kind === 'own' ? toolsOf(scope) : leaps('tool_usages', 'tool');
  }
  return scope.kind === 'everybody' && facet === 'initiators'
    ? INITIATORS
    : columnOf(scope, COLUMNS[facet]);
}

const PURPOSES = Prisma.sql`SELECT purpose AS value FROM interception_kinds`;

/**
 * From the totals by month, of which there are few, and what they do not have yet: so of what has
 * ended, also if it is purged.
 */
function columnOf(scope: Scope, column: string): Prisma.Sql {
  const value = Prisma.raw(column);
  const [inTotals, inDeltas] =
    scope.kind === 'own'
      ? [scope.initiatorId, Prisma.sql`initiator_id = ${scope.initiatorId}`]
      : ['', Prisma.sql`true`];
  return Prisma.sql`SELECT value FROM (
      SELECT ${value} AS value, interceptions FROM usage_totals
      WHERE grain = 'month' AND initiator_id = ${inTotals}
      UNION ALL
      SELECT ${value}, interceptions FROM usage_deltas WHERE ${inDeltas}) AS used
    WHERE value <> '' GROUP BY value HAVING sum(interceptions) > 0`;
}

function purposesOf(scope: Scope): Prisma.Sql {
  return Prisma.sql`SELECT own.purpose AS value FROM (${newestOf(scope)}) AS own`;
}

function toolsOf(scope: Scope): Prisma.Sql {
  return Prisma.sql`SELECT t.tool AS value FROM (${newestOf(scope)}) AS own
    JOIN tool_usages AS t ON t.interception_id = own.id`;
}

function newestOf(scope: Scope): Prisma.Sql {
  return Prisma.sql`SELECT i.id, i.purpose FROM interceptions AS i
    WHERE ${conditions({ scope, filter: {} })} ORDER BY i.id DESC LIMIT ${OWN_RECORDS_MAX}`;
}

/** All the values of a column but the empty one, by leaps through its index from each to the next. */
function leaps(table: string, column: string): Prisma.Sql {
  const next = (after: string): string =>
    `(SELECT ${column} FROM ${table} WHERE ${column} > ${after} ORDER BY ${column} LIMIT 1)`;
  return Prisma.raw(`WITH RECURSIVE leaps(value) AS (
      ${next(`''`)}
      UNION ALL
      SELECT ${next('leaps.value')} FROM leaps WHERE leaps.value IS NOT NULL)
    SELECT value FROM leaps WHERE value IS NOT NULL`);
}

/** Of some nothing is in the totals yet. */
const INITIATORS = Prisma.sql`
  SELECT value FROM (${leaps('usage_totals', 'initiator_id')}) AS added
  UNION SELECT initiator_id FROM usage_deltas`;
