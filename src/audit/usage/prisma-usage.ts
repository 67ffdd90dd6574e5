import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../../database/index.ts';
import { Prisma } from '../../generated/prisma/client.ts';
import { conditions, isOneOf } from '../question/prisma-conditions.ts';
import type { Scope } from '../question/scope.ts';
import { coverage, type Grain, type Segment } from './usage-coverage.ts';
import { toUsage, type UsageRow } from './usage-row.ts';
import type { Dimension, UsageAnswer, UsageQuery } from './usage-shape.ts';

const COLUMNS: Record<Dimension, string> = {
  initiator: 'initiator_id',
  provider: 'provider_name',
  model: 'model',
  client: 'client',
  credential: 'credential_kind, credential_hint, credential_fingerprint',
  hour: `date_trunc('hour', starts_at, 'UTC')`,
  day: `date_trunc('day', starts_at, 'UTC')`,
  month: `date_trunc('month', starts_at, 'UTC')`,
};
const TIMES: ReadonlySet<Dimension> = new Set(['hour', 'day', 'month']);

const SUMS = [
  'interceptions',
  'completed',
  'failed',
  'aborted',
  'interrupted',
  'failed_over',
  'attempts',
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'duration_ms',
];

/** A record as a row of the totals. */
const RECORD = Prisma.raw(`i.started_at AS starts_at, i.initiator_id, i.provider_name, i.model,
  i.client, i.credential_kind, i.credential_hint,
  coalesce(i.credential_fingerprint, '') AS credential_fingerprint, 1 AS interceptions,
  (i.status = 'completed')::int AS completed, (i.status = 'failed')::int AS failed,
  (i.status = 'aborted')::int AS aborted, (i.status = 'interrupted')::int AS interrupted,
  i.failed_over::int AS failed_over, i.attempt_count AS attempts, i.input_tokens, i.output_tokens,
  i.cache_read_tokens, i.cache_write_tokens, coalesce(i.duration_ms, 0) AS duration_ms`);
const TOTAL = Prisma.raw(`starts_at, initiator_id, provider_name, model, client, credential_kind,
  credential_hint, credential_fingerprint, ${SUMS.join(', ')}`);

/** Reads what was used from the totals, which outlive the records. */
@Injectable()
export class PrismaUsage {
  constructor(private readonly database: DatabaseService) {}

  async sums(scope: Scope, query: UsageQuery): Promise<UsageAnswer> {
    const rows = await this.database.client.$queryRaw<UsageRow[]>(usageSql(scope, query));
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
  const sums = SUMS.map((column) => `coalesce(sum(${column}), 0)::bigint AS ${column}`);
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
  return segments.map((segment) =>
    segment.source === 'records'
      ? recordsOf(scope, query, segment)
      : totalsOf(scope, query, { segment, grain: segment.source, groupBy }),
  );
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

function totalsOf(
  scope: Scope,
  query: UsageQuery,
  part: {
    readonly segment: Segment;
    readonly grain: Grain;
    readonly groupBy: readonly Dimension[];
  },
): Prisma.Sql {
  const { fromMs, toMs } = part.segment;
  const all = [Prisma.sql`grain = ${part.grain}`, ...initiators(scope, query, part.groupBy)];
  if (Number.isFinite(fromMs)) all.push(Prisma.sql`starts_at >= ${new Date(fromMs)}`);
  if (Number.isFinite(toMs)) all.push(Prisma.sql`starts_at < ${new Date(toMs)}`);
  const columns = [
    ['provider_name', query.provider],
    ['model', query.model],
    ['client', query.client],
    ['credential_kind', query.credentialKind],
    ['credential_hint', query.credentialHint],
    ['credential_fingerprint', query.credentialFingerprint],
  ] as const;
  for (const [column, wanted] of columns) {
    if (wanted !== undefined) all.push(Prisma.sql`${Prisma.raw(column)} ${isOneOf(wanted)}`);
  }
  return Prisma.sql`SELECT ${TOTAL} FROM usage_totals WHERE ${Prisma.join(all, ' AND ')}`;
}

/** The rows of everybody together, where nothing is asked about single people. */
function initiators(
  scope: Scope,
  { initiator }: UsageQuery,
  groupBy: readonly Dimension[],
): Prisma.Sql[] {
  const all = [Prisma.sql`initiator_id <> ''`];
  if (scope.kind === 'own') all.push(Prisma.sql`initiator_id = ${scope.initiatorId}`);
  if (initiator !== undefined) all.push(Prisma.sql`initiator_id ${isOneOf(initiator)}`);
  const isAboutEverybody = all.length === 1 && !groupBy.includes('initiator');
  return isAboutEverybody ? [Prisma.sql`initiator_id = ''`] : all;
}
