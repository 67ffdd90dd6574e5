import { Prisma } from '../../generated/prisma/client.ts';
import type { InterceptionFilter } from './interception-filter.ts';
import { KIND_FILTERS } from './reading.ts';
import type { Scope } from './scope.ts';
import { firstIdAfter, firstIdSince } from './time-range.ts';

/** A part of the records, by their ids: below one, and not below another. */
export interface IdRange {
  readonly before?: string | undefined;
  readonly since?: string | undefined;
}

/** What is asked for, by whom. */
export interface Question {
  readonly scope: Scope;
  readonly filter: InterceptionFilter;
  /** The kinds that the filter comes down to, where they have been looked up: they stand for it then. */
  readonly kinds?: readonly string[] | undefined;
}

/**
 * The condition on `interceptions AS i` that every query of the audit goes through: what
 * was asked for, of what the caller may see.
 */
export function conditions(question: Question, range: IdRange = {}): Prisma.Sql {
  const { filter, kinds } = question;
  const ofKinds =
    kinds === undefined
      ? equalities(filter, KIND_FILTERS)
      : [Prisma.sql`i.kind_id = ANY(${kinds}::uuid[])`];
  return every([...besidesKinds(question, range), ...ofKinds]);
}

/** The same for records that are of one of the question's kinds anyway. */
export function conditionsOfKind(question: Question, range: IdRange): Prisma.Sql {
  return every(besidesKinds(question, range));
}

function besidesKinds({ scope, filter }: Question, range: IdRange): Prisma.Sql[] {
  return [
    ...inScope(scope),
    ...equalities(filter, OTHER_EQUALITIES),
    ...ranges(filter),
    ...within('i.id', range),
    ...inChildren(filter, range),
  ];
}

/** The condition on `interception_kinds AS i`; undefined for a filter that leaves every kind. */
export function kindConditions(filter: InterceptionFilter): Prisma.Sql | undefined {
  const all = equalities(filter, KIND_FILTERS);
  return all.length === 0 ? undefined : every(all);
}

function every(all: readonly Prisma.Sql[]): Prisma.Sql {
  return all.length === 0 ? Prisma.sql`true` : Prisma.join([...all], ' AND ');
}

function inScope(scope: Scope): Prisma.Sql[] {
  return scope.kind === 'everybody' ? [] : [Prisma.sql`i.initiator_id = ${scope.initiatorId}`];
}

const OTHER_EQUALITIES = [
  'initiator',
  'session',
  'credentialHint',
  'credentialFingerprint',
] as const;
type Equality = (typeof KIND_FILTERS)[number] | (typeof OTHER_EQUALITIES)[number];

const COLUMNS: Record<Equality, string> = {
  initiator: 'i.initiator_id',
  session: 'i.session_id',
  credentialHint: 'i.credential_hint',
  credentialFingerprint: 'i.credential_fingerprint',
  provider: 'i.provider_name',
  providerType: 'i.provider_type',
  model: 'i.model',
  servedModel: 'i.served_model',
  purpose: 'i.purpose',
  client: 'i.client',
  api: 'i.api',
  status: 'i.status',
  errorType: 'i.error_type',
  credentialKind: 'i.credential_kind',
  streaming: 'i.streaming',
  failedOver: 'i.failed_over',
};

function equalities(filter: InterceptionFilter, names: readonly Equality[]): Prisma.Sql[] {
  return names.flatMap((name) => {
    const wanted = filter[name];
    if (wanted === undefined) return [];
    return [Prisma.sql`${Prisma.raw(COLUMNS[name])} ${isOneOf(wanted)}`];
  });
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

function inChildren({ tool, text, textSource }: InterceptionFilter, range: IdRange): Prisma.Sql[] {
  const all: Prisma.Sql[] = [];
  if (tool !== undefined) {
    all.push(Prisma.sql`EXISTS (
      SELECT FROM tool_usages AS t WHERE t.interception_id = i.id AND t.tool ${isOneOf(tool)})`);
  }
  if (text !== undefined) {
    const found = [
      Prisma.sql`p.interception_id = i.id`,
      Prisma.sql`p.words @@ websearch_to_tsquery('simple', ${text})`,
      ...(textSource === 'all' ? [] : [Prisma.sql`p.source = 'user'`]),
      ...within('p.interception_id', range),
    ];
    all.push(Prisma.sql`EXISTS (SELECT FROM prompts AS p WHERE ${Prisma.join(found, ' AND ')})`);
  }
  return all;
}
