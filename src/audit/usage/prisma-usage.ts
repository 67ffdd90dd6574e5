import { Injectable } from '@nestjs/common';
import { USAGE_SUMS } from '../../core/usage-sums.ts';
import { Prisma } from '../../generated/prisma/client.ts';
import { conditions, isOneOf } from '../question/prisma-conditions.ts';
import type { Scope } from '../question/scope.ts';
import { isAboutPeople } from './about-people.ts';
import { coverage, type Grain, type Segment } from './usage-coverage.ts';
import { toUsage, type UsageRow } from './usage-row.ts';
import type { Dimension, UsageAnswer, UsageQuery } from './usage-shape.ts';
import { PrismaReads } from '../question/prisma-reads.ts';

const COLUMNS: Record<Dimension, string> = {
  initiator: 'initiator_id',
  provider: 'provider_name',
  model: 'model',
  servedModel: 'served_model',
  client: 'client',
  credential: 'credential_kind, credential_hint, credential_fingerprint',
  hour: `date_trunc('hour', starts_at, 'UTC')`,
  day: `date_trunc('day', starts_at, 'UTC')`,
  month: `date_trunc('month', starts_at, 'UTC')`,
};
const TIMES: ReadonlySet<Dimension> = new Set(['hour', 'day', 'month']);

/** A record as a row of the totals. */
const RECORD = Prisma.raw(`i.started_at AS starts_at, i.initiator_id, i.provider_name, i.model,
  coalesce(i.served_model, '') AS served_model, i.client, i.credential_kind, i.credential_hint,
  coalesce(i.credential_fingerprint, '') AS credential_fingerprint, 1 AS interceptions,
  (i.status = 'completed')::int AS completed, (i.status = 'failed')::int AS failed,
  (i.status = 'aborted')::int AS aborted, (i.status = 'interrupted')::int AS interrupted,
  i.failed_over::int AS failed_over, i.attempt_count AS attempts, i.input_tokens, i.output_tokens,
  i.cache_read_tokens, i.cache_write_tokens, coalesce(i.duration_ms, 0) AS duration_ms`);
const TOTAL = Prisma.raw(`starts_at, initiator_id, provider_name, model, served_model, client,
  credential_kind, credential_hint, credential_fingerprint, ${USAGE_SUMS.join(', ')}`);

/**
 * Reads what was used from the totals, which outlive the records, together with what was counted
 * since they were last added up. One statement sees both as they were at one moment.
 */
@Injectable()
export class PrismaUsage {
  constructor(private readonly reads: PrismaReads) {}

  async sums(scope: Scope, query: UsageQuery): Promise<UsageAnswer> {
    const rows = await this.reads.ask((client) =>
      client.$queryRaw<UsageRow[]>(usageSql(scope, query)),
    );
    const items = rows.slice(0, query.limit).map((row) => toUsage(row, groupsOf(query)));
    return { items, truncated: rows.length > query.limit };
  }
}

export function usageSql(scope: Scope, query: UsageQuery): Prisma.Sql {
  const groupBy = groupsOf(query);
  return Prisma.sql`
    SELECT ${selected(groupBy)}
    FROM (${Prisma.join(sources(scope, query, groupBy), ' UNION ALL ')}) AS used
    ${grouping(groupBy)}
    LIMIT ${query.limit + 1}`;
}

function groupsOf({ groupBy }: UsageQuery): Dimension[] {
  return [...new Set(groupBy)];
}

function selected(groupBy: readonly Dimension[]): Prisma.Sql {
  const groups = groupBy.map((dimension) =>
    TIMES.has(dimension) ? `${COLUMNS[dimension]} AS ${dimension}` : COLUMNS[dimension],
  );
  const sums = USAGE_SUMS.map((column) => `coalesce(sum(${column}), 0)::bigint AS ${column}`);
  return Prisma.raw([...groups, ...sums].join(', '));
}

/** What was counted and taken back again leaves rows of zeros, which are nobody's business. */
function grouping(groupBy: readonly Dimension[]): Prisma.Sql {
  if (groupBy.length === 0) return Prisma.empty;
  const times = groupBy.filter((dimension) => TIMES.has(dimension));
  const order = [...times.map((dimension) => COLUMNS[dimension]), 'sum(interceptions) DESC'];
  const columns = groupBy.map((dimension) => COLUMNS[dimension]).join(', ');
  return Prisma.raw(
    `GROUP BY ${columns} HAVING sum(interceptions) > 0 ORDER BY ${order.join(', ')}, ${columns}`,
  );
}

function sources(scope: Scope, query: UsageQuery, groupBy: readonly Dimension[]): Prisma.Sql[] {
  const { startedAfter, startedBefore } = query;
  const fromMs = startedAfter === undefined ? -Infinity : Date.parse(startedAfter);
  const toMs = startedBefore === undefined ? Infinity : Date.parse(startedBefore);
  const segments = coverage(fromMs, toMs, coarsestFor(groupBy));
  if (segments.length === 0) return [Prisma.sql`SELECT ${TOTAL} FROM usage_totals WHERE false`];
  return [
    ...segments.map((segment) =>
      segment.source === 'records'
        ? recordsOf(scope, query, segment)
        : totalsOf(scope, query, segment),
    ),
    ...deltasOf(scope, query, segments),
  ];
}

function coarsestFor(groupBy: readonly Dimension[]): Grain {
  if (groupBy.includes('hour')) return 'hour';
  return groupBy.includes('day') ? 'day' : 'month';
}

function recordsOf(scope: Scope, query: UsageQuery, { fromMs, toMs }: Segment): Prisma.Sql {
  const { groupBy: _, limit: __, ...filter } = query;
  const within = {
    ...filter,
    ...(Number.isFinite(fromMs) && { startedAfter: new Date(fromMs).toISOString() }),
    ...(Number.isFinite(toMs) && { startedBefore: new Date(toMs).toISOString() }),
  };
  return Prisma.sql`SELECT ${RECORD} FROM interceptions AS i
    WHERE i.status <> 'in_progress' AND ${conditions({ scope, filter: within })}`;
}

function totalsOf(scope: Scope, query: UsageQuery, segment: Segment): Prisma.Sql {
  const all = [
    Prisma.sql`grain = ${segment.source}`,
    ...initiators(scope, query),
    ...startsWithin(segment),
    ...filters(query),
  ];
  return Prisma.sql`SELECT ${TOTAL} FROM usage_totals WHERE ${Prisma.join(all, ' AND ')}`;
}

/** What the totals do not have yet is counted by the hour, and so fits what they have of any grain. */
function deltasOf(scope: Scope, query: UsageQuery, segments: readonly Segment[]): Prisma.Sql[] {
  const added = segments.filter(({ source }) => source !== 'records');
  const [first, last] = [added.at(0), added.at(-1)];
  if (first === undefined || last === undefined) return [];
  const all = [
    Prisma.sql`true`,
    ...people(scope, query),
    ...startsWithin({ fromMs: first.fromMs, toMs: last.toMs }),
    ...filters(query),
  ];
  return [Prisma.sql`SELECT ${TOTAL} FROM usage_deltas WHERE ${Prisma.join(all, ' AND ')}`];
}

function startsWithin({ fromMs, toMs }: Pick<Segment, 'fromMs' | 'toMs'>): Prisma.Sql[] {
  return [
    ...(Number.isFinite(fromMs) ? [Prisma.sql`starts_at >= ${new Date(fromMs)}`] : []),
    ...(Number.isFinite(toMs) ? [Prisma.sql`starts_at < ${new Date(toMs)}`] : []),
  ];
}

function filters(query: UsageQuery): Prisma.Sql[] {
  const columns = [
    ['provider_name', query.provider],
    ['model', query.model],
    ['served_model', query.servedModel],
    ['client', query.client],
    ['credential_kind', query.credentialKind],
    ['credential_hint', query.credentialHint],
    ['credential_fingerprint', query.credentialFingerprint],
  ] as const;
  return columns.flatMap(([column, wanted]) =>
    wanted === undefined ? [] : [Prisma.sql`${Prisma.raw(column)} ${isOneOf(wanted)}`],
  );
}

/** The rows of everybody together, where nothing is asked about single people. */
function initiators(scope: Scope, query: UsageQuery): Prisma.Sql[] {
  return isAboutPeople(scope, query)
    ? [Prisma.sql`initiator_id <> ''`, ...people(scope, query)]
    : [Prisma.sql`initiator_id = ''`];
}

function people(scope: Scope, { initiator }: UsageQuery): Prisma.Sql[] {
  return [
    ...(scope.kind === 'own' ? [Prisma.sql`initiator_id = ${scope.initiatorId}`] : []),
    ...(initiator === undefined ? [] : [Prisma.sql`initiator_id ${isOneOf(initiator)}`]),
  ];
}
