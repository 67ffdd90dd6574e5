import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { answer } from '../simulator/index.ts';
import { Fleet } from '../support/fleet.ts';
import { conversationOf, recorded, toolCallsIn } from './conversation-of.ts';

const fleet = new Fleet();
const OPENAI = fleet.provider('openai');

beforeAll(() => fleet.start());
afterEach(() => {
  fleet.simulator.assertNoUnscripted();
  fleet.simulator.clear();
});
afterAll(() => fleet.stop());

const AGENTS = '# AGENTS.md instructions for /work\n\n<INSTRUCTIONS>\nBe polite.\n</INSTRUCTIONS>';
const ENVIRONMENT = '<environment_context>\n  <cwd>/work</cwd>\n</environment_context>';
const CHECKPOINT = 'You are performing a CONTEXT CHECKPOINT COMPACTION. Create a handoff summary';

const message = (role: string, ...texts: string[]) => ({
  type: 'message',
  role,
  content: texts.map((text) => ({ type: 'input_text', text })),
});
const CONTEXT = [
  { type: 'additional_tools', role: 'developer', tools: [] },
  message('developer', 'You are Codex, an agent based on GPT-6'),
  message('user', AGENTS, ENVIRONMENT),
];
const step = (ids: readonly string[]) => [
  ...ids.map((call_id) => ({ type: 'custom_tool_call', call_id, name: 'exec', input: 'ls' })),
  ...ids.map((call_id) => ({ type: 'custom_tool_call_output', call_id, output: 'x' })),
];

/** As Codex 0.169.0 sends them. */
function codex(session: string) {
  return (input: readonly object[], kind = 'turn') =>
    fetch(`${fleet.bridge.url}/${OPENAI.name}/v1/responses`, {
      method: 'POST',
      headers: {
        'user-agent': 'codex_exec/0.169.0 (Debian 12.0.0; x86_64) unknown (codex_exec; 0.169.0)',
        originator: 'codex_exec',
        'session-id': session,
        'thread-id': session,
        'x-codex-turn-metadata': JSON.stringify({ session_id: session, request_kind: kind }),
      },
      body: JSON.stringify({
        model: 'gpt-6.1-sol',
        stream: true,
        store: false,
        prompt_cache_key: session,
        client_metadata: { session_id: session, thread_id: session },
        input,
      }),
    });
}

test('11.1 and 11.3: a loop is one thread of one prompt in the session that it names', async () => {
  const session = randomUUID();
  const send = codex(session);
  const exec = { name: 'exec', input: 'ls', isCustom: true };
  fleet.simulator.onAnyKey(({ ordinal }) =>
    answer(ordinal === 6 ? {} : { tools: ordinal % 2 === 0 ? [exec] : [exec, exec] }),
  );

  const input: object[] = [...CONTEXT, message('user', 'loop please')];
  const first = await send(input);
  let asked = await toolCallsIn(first);
  for (let count = 2; count <= 6; count += 1) {
    input.push(...step(asked), message('developer', 'Keep going.'));
    const res = await send(input);
    asked = await toolCallsIn(res);
    expect(await recorded(fleet, res)).toEqual({ purpose: 'main', user: [], machine: [] });
  }
  expect(asked).toEqual([]);

  expect(await recorded(fleet, first)).toEqual({
    purpose: 'main',
    user: ['loop please'],
    machine: [`${AGENTS}\n${ENVIRONMENT}`],
  });
  expect(await conversationOf(fleet, session)).toMatchObject({
    clients: ['Codex'],
    calls: 6,
    turns: 6,
    threadCount: 1,
    threads: [{ turns: [{ prompt: 'loop please' }, {}, {}, {}, {}, {}] }],
  });
});

test('11.2: a compaction is no turn, and what follows it no prompt of the user’s', async () => {
  const session = randomUUID();
  const send = codex(session);
  fleet.simulator.onAnyKey(answer());
  const ask = async (kind: string, ...last: object[]): Promise<unknown> => {
    const res = await send([...CONTEXT, message('user', 'an old prompt'), ...last], kind);
    await res.text();
    return recorded(fleet, res);
  };

  expect(await ask('compaction', ...step(['call_1']), message('user', CHECKPOINT))).toEqual({
    purpose: 'compact',
    user: [],
    machine: [CHECKPOINT],
  });
  const summary = 'Another language model started to solve this problem and produced a summary';
  expect(await ask('turn', message('user', summary))).toMatchObject({
    purpose: 'main',
    user: [],
    machine: [`${AGENTS}\n${ENVIRONMENT}\n${summary}`],
  });
  expect(await conversationOf(fleet, session)).toMatchObject({
    calls: 2,
    turns: 1,
    others: [{ purpose: 'compact' }],
  });
});
