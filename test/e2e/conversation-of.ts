import { expect } from 'vitest';
import type { Fleet } from '../support/fleet.ts';
import { recordOf } from '../support/record-of.ts';

/** The ids of the tool calls in an answer, streamed or not, of any API. */
export async function toolCallsIn(res: Response): Promise<string[]> {
  expect(res.status).toBe(200);
  const ids = (await res.text()).matchAll(/"(?:call_id|id)":\s*"((?:toolu|call)_[^"]+)"/g);
  return [...new Set(Array.from(ids, ([, id = '']) => id))];
}

/** What was recorded of the call that a response answers. */
export async function recorded(fleet: Fleet, res: Response) {
  const { row, prompts } = await recordOf(fleet.tables, res);
  const of = (source: string) =>
    prompts.filter((prompt) => prompt['source'] === source).map((prompt) => prompt['text']);
  return { purpose: row['purpose'], user: of('user'), machine: of('machine') };
}

/** A conversation as the audit tells it. */
export async function conversationOf(fleet: Fleet, session: string): Promise<object> {
  const res = await fetch(`${fleet.bridge.url}/api/v1/sessions/${session}`);
  return Object(await res.json());
}
