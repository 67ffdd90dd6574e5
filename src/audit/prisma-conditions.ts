import { Prisma } from '../generated/prisma/client.ts';
import type { InterceptionFilter } from './interception-filter.ts';
import type { Scope } from './scope.ts';
import { firstIdAfter, firstIdSince } from './time-range.ts';

/** Exactly the expression of the index on prompts. */
const SEARCHED = Prisma.raw(`to_tsvector('simple', left(p.text, 100000))`);

/** A part of the records, by their ids: below one, and not below another. */
export interface IdRange {
  readonly before?: string | undefined;
  readonly since?: string | undefined;
}

/**
 * The condition on `interceptions AS i` that every query of the audit goes through: what
 * was asked for, of what the caller may see.
 */
export function conditions(
  scope: Scope,
  filter: InterceptionFilter,
  range: IdRange = {},
): Prisma.Sql {
  const all = [
    ...inScope(scope),
    ...equalities(filter),
    ...ranges(filter),
    ...within('i.id', range),
    ...inChildren(filter, range),
  ];
  return all.length === 0 ? Prisma.sql`true` : Prisma.join(all, ' AND ');
}

function inScope(scope: Scope): Prisma.Sql[] {
  return scope.kind === 'everybody' ? [] : [Prisma.sql`i.initiator_id = ${scope.initiatorId}`];
}

function equalities(filter: InterceptionFilter): Prisma.Sql[] {
  const columns = [
    ['i.initiator_id', filter.initiator],
    ['i.provider_name', filter.provider],
    ['i.provider_type', filter.providerType],
    ['i.model', filter.model],
    ['i.client', filter.client],
    ['i.session_id', filter.session],
    ['i.api', filter.api],
    ['i.status', filter.status],
    ['i.error_type', filter.errorType],
    ['i.credential_kind', filter.credentialKind],
    ['i.credential_hint', filter.credentialHint],
    ['i.credential_fingerprint', filter.credentialFingerprint],
    ['i.streaming', filter.streaming],
    ['i.failed_over', filter.failedOver],
  ] as const;
  return columns.flatMap(([column, wanted]) =>
    wanted === undefined ? [] : [Prisma.sql`${Prisma.raw(column)} ${isOneOf(wanted)}`],
  );
}

/** One value as an equality: only that leaves the index in the order of ids. */
export function isOneOf(wanted: boolean | readonly string[]): Prisma.Sql {
  if (typeof wanted === 'boolean') return Prisma.sql`= ${wanted}`;
  const [first] = wanted;
  return wanted.length === 1 ? Prisma.sql`= ${first}` : Prisma.sql`IN (${Prisma.join(wanted)})`;
}

function ranges(filter: InterceptionFilter): Prisma.Sql[] {
  const { startedAfter, startedBefore, minTokens, minDurationMs } = filter;
  const all: Prisma.Sql[] = [];
  if (startedAfter !== undefined) {
    const at = new Date(startedAfter);
    all.push(Prisma.sql`i.id >= ${firstIdSince(at)}::uuid AND i.started_at >= ${at}`);
  }
  if (startedBefore !== undefined) {
    const at = new Date(startedBefore);
    all.push(Prisma.sql`i.id < ${firstIdAfter(at)}::uuid AND i.started_at < ${at}`);
  }
  if (minTokens !== undefined) all.push(Prisma.sql`${TOTAL_TOKENS} >= ${minTokens}::bigint`);
  if (minDurationMs !== undefined) all.push(Prisma.sql`i.duration_ms >= ${minDurationMs}::int`);
  return all;
}

function within(column: string, { before, since }: IdRange): Prisma.Sql[] {
  const id = Prisma.raw(column);
  return [
    ...(before === undefined ? [] : [Prisma.sql`${id} < ${before}::uuid`]),
    ...(since === undefined ? [] : [Prisma.sql`${id} >= ${since}::uuid`]),
  ];
}

/** Exactly the expression of an index on interceptions. */
const TOTAL_TOKENS = Prisma.raw(
  '(i.input_tokens + i.output_tokens + i.cache_read_tokens + i.cache_write_tokens)',
);

function inChildren({ tool, text }: InterceptionFilter, range: IdRange): Prisma.Sql[] {
  const all: Prisma.Sql[] = [];
  if (tool !== undefined) {
    all.push(Prisma.sql`EXISTS (
      SELECT FROM tool_usages AS t WHERE t.interception_id = i.id AND t.tool ${isOneOf(tool)})`);
  }
  if (text !== undefined) {
    const found = [
      Prisma.sql`p.interception_id = i.id`,
      Prisma.sql`${SEARCHED} @@ websearch_to_tsquery('simple', ${text})`,
      ...within('p.interception_id', range),
    ];
    all.push(Prisma.sql`EXISTS (SELECT FROM prompts AS p WHERE ${Prisma.join(found, ' AND ')})`);
  }
  return all;
}
