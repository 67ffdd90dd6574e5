import { firstIdAt, timeOfId } from '../../core/ids.ts';
import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts';
import type { RecordEvent } from '../journal/events.ts';
import { idSpan, type IdSpan } from './id-span.ts';
import { storableJson } from './storable-text.ts';

/*
 * An interception that carries the result of a tool call is linked to the one whose answer asked for
 * it: of the same initiator and session, the newest before it. The three together are a key, which
 * the rows of tool calls have an index of that ends with the interception: one probe finds the newest,
 * however many have the same id, as they do with models that number their calls from zero.
 *
 * That is done when a start is written, and is final where a caller is found. Where none is, it may
 * still come by way of another replica: the start is noted among the unlinked calls, and for as long
 * as it stays there, every batch that brings a call of the same key looks at it again.
 */

/** All that a request carries come from one answer, as a rule: a few stand for the rest. */
const NOTED_CALLS_MAX = 4;
/** Of those that follow a call, the nearest: the others have a nearer caller. */
const FOLLOWERS_MAX = 8;

/**
 * How much older than what carries its result a call may be. Every partition between the two is
 * probed for a call that is not there.
 */
const CALLER_AGE_MS = 7 * 86_400_000;

/**
 * As a subquery of (id): the newest interception that made a call of this key before another one,
 * and not before the oldest that is looked for.
 */
function newestCaller(key: string, before: string, oldest: string): Prisma.Sql {
  return Prisma.sql`(
    SELECT t.interception_id AS id FROM tool_usages AS t
    WHERE t.call_key = ${Prisma.raw(key)} AND t.interception_id < ${Prisma.raw(before)}
      AND t.interception_id >= ${oldest}::uuid
    ORDER BY t.interception_id DESC LIMIT 1)`;
}

function oldestCallerOf({ first }: IdSpan): string {
  return firstIdAt(timeOfId(first) - CALLER_AGE_MS);
}

/**
 * Parts of a WITH RECURSIVE over `fresh`, the starts of a batch that are not stored yet: `links` has
 * the parent and the root of each that has one, in the database or in the batch; `noted` keeps the
 * others for a second look.
 */
export function linksOfFresh(span: IdSpan): Prisma.Sql {
  const oldest = oldestCallerOf(span);
  return Prisma.sql`
  carried AS MATERIALIZED (
    SELECT f.id, tool_call_key(f."initiatorId", f."sessionId", call.tool_call_id) AS call_key,
      call.place > jsonb_array_length(f."correlatingToolCallIds") - ${NOTED_CALLS_MAX}::int AS is_last
    FROM fresh AS f, jsonb_array_elements_text(f."correlatingToolCallIds")
      WITH ORDINALITY AS call(tool_call_id, place)),
  parents AS MATERIALIZED (
    SELECT DISTINCT ON (c.id) c.id, caller.id AS parent_id
    FROM carried AS c CROSS JOIN LATERAL ${newestCaller('c.call_key', 'c.id', oldest)} AS caller
    ORDER BY c.id, caller.id DESC),
  rooted(id, parent_id, root_id) AS (
    (SELECT i.id, NULL::uuid, coalesce(i.thread_root_id, i.id)
     FROM interceptions AS i WHERE i.id = ANY (ARRAY(SELECT parent_id FROM parents))
       AND i.id BETWEEN ${oldest}::uuid AND ${span.last}::uuid
     UNION
     SELECT f.id, NULL::uuid, f.id FROM fresh AS f
     WHERE NOT EXISTS (SELECT FROM parents AS p WHERE p.id = f.id))
    UNION
    SELECT p.id, p.parent_id, r.root_id FROM rooted AS r JOIN parents AS p ON p.parent_id = r.id),
  links AS MATERIALIZED (SELECT * FROM rooted WHERE parent_id IS NOT NULL),
  noted AS (
    INSERT INTO unlinked_calls (call_key, interception_id)
    SELECT c.call_key, c.id FROM carried AS c
    WHERE c.is_last AND NOT EXISTS (SELECT FROM links AS l WHERE l.id = c.id)
    ON CONFLICT DO NOTHING)`;
}

/**
 * The second look. After the commit of the batch: whichever of two replicas comes later sees what
 * the other one has written. With a late link, all that follows it changes its root.
 *
 * What is looked for among the interceptions is probed for, one by one: as a join, the planner might
 * read all that is younger than the oldest.
 */
export async function linkLate(
  prisma: PrismaClient,
  events: readonly RecordEvent[],
): Promise<void> {
  const calls = events.flatMap(callsOf);
  const span = idSpan(calls);
  if (span === undefined) return;
  const oldest = oldestCallerOf(span);
  await prisma.$executeRaw`
    WITH RECURSIVE
    looked AS MATERIALIZED (
      SELECT DISTINCT follower.call_key, follower.interception_id
      FROM jsonb_to_recordset(${storableJson(calls)}::jsonb)
        AS c(id uuid, "initiatorId" text, "sessionId" text, "toolCallId" text)
      CROSS JOIN LATERAL (
        SELECT u.call_key, u.interception_id FROM unlinked_calls AS u
        WHERE u.call_key = tool_call_key(c."initiatorId", c."sessionId", c."toolCallId")
          AND u.interception_id >= c.id
        ORDER BY u.interception_id LIMIT ${FOLLOWERS_MAX}) AS follower),
    found AS MATERIALIZED (
      SELECT DISTINCT ON (child.id) child.id, parent.id AS parent_id,
        coalesce(parent.thread_root_id, parent.id) AS root_id
      FROM looked AS l
      JOIN interceptions AS child ON child.id = l.interception_id AND child.thread_parent_id IS NULL
        AND child.id >= ${oldest}::uuid
      CROSS JOIN LATERAL ${newestCaller('l.call_key', 'l.interception_id', oldest)} AS caller
      JOIN interceptions AS parent ON parent.id = caller.id AND parent.id >= ${oldest}::uuid
      ORDER BY child.id, parent.id DESC),
    linked AS (
      SELECT id, parent_id, root_id FROM found WHERE root_id NOT IN (SELECT id FROM found)
      UNION ALL
      SELECT f.id, f.parent_id, l.root_id FROM linked AS l JOIN found AS f ON f.root_id = l.id),
    moved AS MATERIALIZED (
      SELECT id, parent_id, root_id FROM linked
      UNION ALL
      SELECT follower.id, follower.thread_parent_id, l.root_id
      FROM linked AS l CROSS JOIN LATERAL (
        SELECT i.id, i.thread_parent_id FROM interceptions AS i
        WHERE i.thread_root_id = l.id AND i.id >= ${oldest}::uuid OFFSET 0) AS follower),
    done AS (
      DELETE FROM unlinked_calls AS u USING looked AS l, found AS f
      WHERE u.call_key = l.call_key AND u.interception_id = l.interception_id
        AND f.id = l.interception_id)
    UPDATE interceptions AS i SET thread_parent_id = moved.parent_id, thread_root_id = moved.root_id
    FROM moved WHERE i.id = moved.id AND i.id >= ${oldest}::uuid
      AND i.id = ANY (ARRAY(SELECT id FROM moved))`;
}

/** A tool call by what its key is made of, and the interception that made it or carries its result. */
interface Call {
  readonly id: string;
  readonly initiatorId: string;
  readonly sessionId: string | null;
  readonly toolCallId: string;
}

function callsOf(event: RecordEvent): Call[] {
  if (event.kind !== 'tool' && event.kind !== 'start') return [];
  const { id, initiatorId, sessionId } = event;
  const toolCallIds =
    event.kind === 'start'
      ? event.correlatingToolCallIds.slice(-NOTED_CALLS_MAX)
      : [event.toolCallId].filter((toolCallId) => toolCallId !== null);
  return toolCallIds.map((toolCallId) => ({ id, initiatorId, sessionId, toolCallId }));
}
