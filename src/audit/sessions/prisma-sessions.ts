import { Injectable } from '@nestjs/common';
import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts';
import { encodeCursor } from '../question/cursor.ts';
import { conditions } from '../question/prisma-conditions.ts';
import { INTERCEPTION } from '../interceptions/prisma-interception-shape.ts';
import { jsonOf, jsonTime, type Shape } from '../interceptions/prisma-shape.ts';
import { kindsOf } from '../question/prisma-kinds.ts';
import type { Scope } from '../question/scope.ts';
import type {
  Session,
  SessionDetail,
  SessionPage,
  SessionQuery,
  SessionsQuery,
  Thread,
  Turn,
} from './session-shape.ts';
import { PrismaReads } from '../question/prisma-reads.ts';

/** Who has a session with an id: nobody, one, or several, of whom one has to be named. */
export type SessionAnswer =
  | { readonly kind: 'found'; readonly session: SessionDetail }
  | { readonly kind: 'absent' }
  | { readonly kind: 'ambiguous'; readonly initiators: readonly string[] };

const INITIATORS_NAMED_MAX = 20;

const TURN: Shape<Turn> = {
  ...INTERCEPTION,
  prompt: `(SELECT string_agg(p.text, E'\\n\\n' ORDER BY p.id) FROM prompts AS p
    WHERE p.interception_id = i.id AND p.source = 'user')`,
  tools: `ARRAY(SELECT t.tool FROM tool_usages AS t
    WHERE t.interception_id = i.id ORDER BY t.id)`,
};

/** The row `i` as a turn of its conversation. */
const TURN_JSON = Prisma.raw(jsonOf(TURN));

/** Asking for a list of models, or again and again for an answer, is no turn of anybody's. */
const IS_TURN = `i.purpose = 'main' AND i.api <> 'passthrough'`;

/**
 * Sums of all that belongs to the session of `i`. What a client calls for itself costs tokens and
 * may fail like the rest, but is no part of the conversation.
 */
const SUMS = Prisma.raw(`
  i.session_id, i.initiator_id,
  min(i.started_at) AS started_at, max(i.started_at) AS last_started_at, count(*) AS calls,
  count(*) FILTER (WHERE ${IS_TURN}) AS turns,
  count(DISTINCT coalesce(i.thread_root_id, i.id)) FILTER (WHERE ${IS_TURN}) AS threads,
  count(*) FILTER (WHERE i.status = 'failed') AS failed,
  array_agg(DISTINCT i.client) AS clients,
  coalesce(array_agg(DISTINCT i.model) FILTER (WHERE i.model <> ''), '{}') AS models,
  coalesce(array_agg(DISTINCT i.credential_hint) FILTER (WHERE i.credential_hint <> ''), '{}') AS credentials,
  sum(i.input_tokens)::bigint AS input_tokens, sum(i.output_tokens)::bigint AS output_tokens,
  sum(i.cache_read_tokens)::bigint AS cache_read_tokens,
  sum(i.cache_write_tokens)::bigint AS cache_write_tokens,
  sum(coalesce(i.duration_ms, 0))::bigint AS duration_ms`);

const SESSION: Shape<Session> = {
  id: 's.session_id',
  initiator: { id: 's.initiator_id' },
  startedAt: jsonTime('s.started_at'),
  lastStartedAt: jsonTime('s.last_started_at'),
  calls: 's.calls',
  turns: 's.turns',
  threads: 's.threads',
  failed: 's.failed',
  clients: 's.clients',
  models: 's.models',
  credentials: 's.credentials',
  tokens: {
    input: 's.input_tokens',
    output: 's.output_tokens',
    cacheRead: 's.cache_read_tokens',
    cacheWrite: 's.cache_write_tokens',
  },
  durationMs: 's.duration_ms',
};
/** The row `s` of sums as a `Session`. */
const SESSION_JSON = Prisma.raw(jsonOf(SESSION));

/** Reads conversations: the interceptions of one person that their client put under one session. */
@Injectable()
export class PrismaSessions {
  constructor(private readonly reads: PrismaReads) {}

  /**
   * Sessions with a record that matches, newest beginning first: by the first such record, which no
   * newer one changes, so that going through pages shows each once however busy it is. One whose
   * older record comes to match meanwhile, such as one that has ended, may be shown again.
   */
  async page(scope: Scope, query: SessionsQuery): Promise<SessionPage> {
    const { limit, cursor, ...filter } = query;
    const kinds = await this.reads.ask((client) => kindsOf(client, filter));
    const matches = conditions({ scope, filter, kinds });
    const before = cursor === undefined ? Prisma.empty : Prisma.sql`AND i.id < ${cursor}::uuid`;
    const rows = await this.reads.ask(
      (client) => client.$queryRaw<{ first_id: string; session: Session }[]>`
      WITH begun AS MATERIALIZED (
        SELECT i.id, i.session_id, i.initiator_id FROM interceptions AS i
        WHERE i.session_id IS NOT NULL AND ${matches} ${before} AND NOT EXISTS (
          SELECT FROM (
            SELECT o.id FROM interceptions AS o
            WHERE o.session_id = i.session_id AND o.initiator_id = i.initiator_id AND o.id < i.id
          ) AS older JOIN interceptions AS i USING (id) WHERE ${matches})
        ORDER BY i.id DESC LIMIT ${limit + 1})
      SELECT begun.id AS first_id, ${SESSION_JSON} AS session
      FROM begun CROSS JOIN LATERAL (
        SELECT ${SUMS} FROM interceptions AS i
        WHERE i.session_id = begun.session_id AND i.initiator_id = begun.initiator_id
        GROUP BY i.session_id, i.initiator_id) AS s
      ORDER BY begun.id DESC`,
    );
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const nextCursor =
      rows.length > limit && last !== undefined ? encodeCursor(last.first_id) : null;
    return { items: shown.map(({ session }) => session), nextCursor };
  }

  async detail(scope: Scope, id: string, query: SessionQuery): Promise<SessionAnswer> {
    const own = conditions({
      scope,
      filter: {
        session: [id],
        ...(query.initiator !== undefined && { initiator: [query.initiator] }),
      },
    });
    const found = await this.reads.find((client) => foundBy(client, own, query));
    return found ?? { kind: 'absent' };
  }
}

async function foundBy(
  client: PrismaClient,
  own: Prisma.Sql,
  query: SessionQuery,
): Promise<SessionAnswer | undefined> {
  const found = await client.$queryRaw<{ session: Session }[]>`
    SELECT ${SESSION_JSON} AS session FROM (
      SELECT ${SUMS} FROM interceptions AS i WHERE ${own}
      GROUP BY i.session_id, i.initiator_id) AS s
    ORDER BY s.initiator_id LIMIT ${INITIATORS_NAMED_MAX}`;
  const [row] = found;
  if (row === undefined) return undefined;
  if (found.length > 1) {
    return { kind: 'ambiguous', initiators: found.map(({ session }) => session.initiator.id) };
  }
  const turns = await turnsOf(client, own, query);
  return { kind: 'found', session: toDetail(row.session, turns, query.limit) };
}

async function turnsOf(
  client: PrismaClient,
  own: Prisma.Sql,
  { cursor, limit }: SessionQuery,
): Promise<Turn[]> {
  const after = cursor === undefined ? Prisma.empty : Prisma.sql`AND i.id > ${cursor}::uuid`;
  const rows = await client.$queryRaw<{ turn: Turn }[]>`
    SELECT ${TURN_JSON} AS turn FROM interceptions AS i
    WHERE ${own} ${after} ORDER BY i.id LIMIT ${limit + 1}`;
  return rows.map(({ turn }) => turn);
}

function toDetail(of: Session, found: readonly Turn[], limit: number): SessionDetail {
  const calls = found.slice(0, limit);
  const last = calls.at(-1);
  const [turns, others] = parted(calls);
  const { threads: threadCount, ...session } = of;
  return {
    ...session,
    threadCount,
    tools: [...new Set(calls.flatMap(({ tools }) => tools))].toSorted(),
    threads: threadsOf(turns),
    others,
    nextCursor: found.length > limit && last !== undefined ? encodeCursor(last.id) : null,
  };
}

function isOfConversation({ purpose, api }: Turn): boolean {
  return purpose === 'main' && api !== 'passthrough';
}

/** The calls of the conversation, and those that the client made for itself. */
function parted(calls: readonly Turn[]): [main: Turn[], others: Turn[]] {
  const byPart = Map.groupBy(calls, isOfConversation);
  return [byPart.get(true) ?? [], byPart.get(false) ?? []];
}

/** Turns by the chain they belong to; chains in the order in which they began. */
function threadsOf(all: readonly Turn[]): Thread[] {
  const byRoot = Map.groupBy(all, (turn) => turn.threadRootId ?? turn.id);
  return [...byRoot].map(([rootId, turns]) => ({ rootId, turns }));
}
