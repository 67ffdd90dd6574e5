import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../database/index.ts';
import { Prisma } from '../generated/prisma/client.ts';
import type { Facet, FacetAnswer, FacetQuery } from './facet-shape.ts';
import { conditions } from './prisma-conditions.ts';
import type { Scope } from './scope.ts';

const COLUMNS: Record<Exclude<Facet, 'tools'>, string> = {
  initiators: 'initiator_id',
  providers: 'provider_name',
  models: 'model',
  clients: 'client',
};
/** A member's own tools are those of so many of their newest records. */
const OWN_RECORDS_MAX = 5_000;

/** Reads the values that filters can have. */
@Injectable()
export class PrismaFacets {
  constructor(private readonly database: DatabaseService) {}

  async values(scope: Scope, facet: Facet, query: FacetQuery): Promise<FacetAnswer> {
    const values = facet === 'tools' ? toolsOf(scope) : columnOf(scope, facet);
    const prefix = `${(query.prefix ?? '').toLowerCase().replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
    const rows = await this.database.client.$queryRaw<{ value: string }[]>`
      SELECT DISTINCT value FROM (${values}) AS v WHERE lower(value) LIKE ${prefix}
      ORDER BY value LIMIT ${query.limit}`;
    return { items: rows.map((row) => row.value) };
  }
}

/** From the totals by month, of which there are few; so of what has ended, also if it is purged. */
function columnOf(scope: Scope, facet: Exclude<Facet, 'tools'>): Prisma.Sql {
  const column = Prisma.raw(COLUMNS[facet]);
  return Prisma.sql`SELECT ${column} AS value FROM usage_totals
    WHERE grain = 'month' AND interceptions > 0 AND ${initiator(scope, facet)}`;
}

function initiator(scope: Scope, facet: Facet): Prisma.Sql {
  if (scope.kind === 'own') return Prisma.sql`initiator_id = ${scope.initiatorId}`;
  return facet === 'initiators' ? Prisma.sql`initiator_id <> ''` : Prisma.sql`initiator_id = ''`;
}

/** Everybody's tools by leaps through the index, from each tool to the next. */
function toolsOf(scope: Scope): Prisma.Sql {
  if (scope.kind === 'own') {
    return Prisma.sql`SELECT t.tool AS value FROM (
      SELECT i.id FROM interceptions AS i WHERE ${conditions({ scope, filter: {} })}
      ORDER BY i.id DESC LIMIT ${OWN_RECORDS_MAX}) AS own
      JOIN tool_usages AS t ON t.interception_id = own.id`;
  }
  return Prisma.sql`WITH RECURSIVE tools(tool) AS (
      (SELECT tool FROM tool_usages ORDER BY tool LIMIT 1)
      UNION ALL
      SELECT (SELECT t.tool FROM tool_usages AS t WHERE t.tool > tools.tool ORDER BY t.tool LIMIT 1)
      FROM tools WHERE tools.tool IS NOT NULL)
    SELECT tool AS value FROM tools WHERE tool IS NOT NULL`;
}
