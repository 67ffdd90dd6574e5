import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts';
import type { RecordEvent } from '../journal/events.ts';
import { storableJson } from './storable-text.ts';

/** Some models number their calls from zero each time: such an id is looked for among the newest. */
const CANDIDATES_MAX = 100;

/**
 * The interception whose answer asked for a tool call: of the same initiator, before the one that
 * carries the result. As a subquery of (id, root_id) for the columns of that one.
 */
export function parentOf(id: string, initiatorId: string, toolCallId: string): Prisma.Sql {
  return Prisma.raw(`(
    SELECT p.id, coalesce(p.thread_root_id, p.id) AS root_id
    FROM (
      SELECT t.interception_id FROM tool_usages AS t
      WHERE t.tool_call_id = ${toolCallId} AND t.interception_id < ${id}
      ORDER BY t.interception_id DESC LIMIT ${CANDIDATES_MAX}) AS candidates
    JOIN interceptions AS p ON p.id = candidates.interception_id
    WHERE p.initiator_id = ${initiatorId}
    ORDER BY p.id DESC LIMIT 1)`);
}

/**
 * Links what could not be linked when it was inserted: its parent was in the same batch, or came
 * later by way of another replica. With a late link, all that follows it changes its root.
 */
export async function linkThreads(
  prisma: PrismaClient,
  events: readonly RecordEvent[],
): Promise<void> {
  const calls = events.map(toolCallOf).filter((call) => call !== null);
  if (calls.length === 0) return;
  await prisma.$executeRaw`
    WITH RECURSIVE
    found AS MATERIALIZED (
      SELECT child.id, parent.id AS parent_id, parent.root_id
      FROM interceptions AS child
      CROSS JOIN LATERAL ${parentOf('child.id', 'child.initiator_id', 'child.correlating_tool_call_id')} AS parent
      WHERE child.thread_parent_id IS NULL AND child.correlating_tool_call_id IN (
        SELECT call FROM jsonb_array_elements_text(${storableJson(calls)}::jsonb) AS call)),
    linked AS (
      SELECT id, parent_id, root_id FROM found
      WHERE parent_id NOT IN (SELECT id FROM found)
      UNION ALL
      SELECT f.id, f.parent_id, l.root_id FROM linked AS l JOIN found AS f ON f.parent_id = l.id),
    moved AS (
      SELECT id, parent_id, root_id FROM linked
      UNION ALL
      SELECT i.id, i.thread_parent_id, l.root_id
      FROM linked AS l JOIN interceptions AS i ON i.thread_root_id = l.id)
    UPDATE interceptions AS i SET thread_parent_id = moved.parent_id, thread_root_id = moved.root_id
    FROM moved WHERE i.id = moved.id`;
}

function toolCallOf(event: RecordEvent): string | null {
  if (event.kind === 'tool') return event.toolCallId;
  return event.kind === 'start' ? event.correlatingToolCallId : null;
}
