import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { answer } from '../simulator/index.ts';
import { Fleet } from '../support/fleet.ts';
import { conversationOf, recorded, toolCallsIn } from './conversation-of.ts';

const fleet = new Fleet();
const ANTHROPIC = fleet.provider('anthropic');

beforeAll(() => fleet.start());
afterEach(() => {
  fleet.simulator.assertNoUnscripted();
  fleet.simulator.clear();
});
afterAll(() => fleet.stop());

const REMINDER = '<system-reminder>\n# currentDate\n2026-11-21\n</system-reminder>\n\n';
const HOOK = '<system-reminder>\nPostToolUse:Read hook additional context\n</system-reminder>\n';
const COMPACT = 'CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.\n\n- Do NOT use Read';
const AGENTS = { role: 'system', content: 'Available agent types for the Agent tool:' };

const text = (value: string) => ({ type: 'text', text: value });
const system = (prompt: string) => [
  text('x-anthropic-billing-header: cc_version=2.1.197.8a5; cc_entrypoint=cli;'),
  text("You are Claude Code, Anthropic's official CLI for Claude."),
  text(prompt),
];
const MAIN = {
  system: system('\nYou are an interactive agent that helps users with software engineering'),
  tools: ['Agent', 'Bash', 'Read'].map((name) => ({ name, input_schema: { type: 'object' } })),
  thinking: { type: 'adaptive' },
};
const calls = (ids: readonly string[]) => ({
  role: 'assistant',
  content: ids.map((id) => ({ type: 'tool_use', id, name: 'Bash', input: {} })),
});
const results = (ids: readonly string[], ...beside: readonly object[]) => ({
  role: 'user',
  content: [...ids.map((id) => ({ type: 'tool_result', tool_use_id: id })), ...beside],
});
const asks = (...texts: string[]) => ({
  messages: [{ role: 'user', content: texts.map((each) => text(each)) }],
});

/** As Claude Code 2.1.197 sends them. */
function claudeCode(session: string) {
  const headers = {
    'user-agent': 'claude-cli/2.1.197 (external, cli)',
    'x-claude-code-session-id': session,
    'anthropic-beta': 'mid-conversation-system-2026-04-07',
  };
  const user_id = JSON.stringify({ device_id: 'd', account_uuid: '', session_id: session });
  return (body: object, more: Record<string, string> = {}, route = '/v1/messages') =>
    fetch(`${fleet.bridge.url}/${ANTHROPIC.name}${route}?beta=true`, {
      method: 'POST',
      headers: { ...headers, ...more },
      body: JSON.stringify({
        model: 'claude-opus-4-8',
        max_tokens: 64_000,
        stream: true,
        metadata: { user_id },
        ...body,
      }),
    });
}

test('11.1: a loop of 15 calls is one thread of one prompt, its parallel tools included', async () => {
  const session = randomUUID();
  const send = claudeCode(session);
  const [bash, read] = ['Bash', 'Read'].map((name) => ({ name, input: { path: '.' } }));
  if (bash === undefined || read === undefined) throw new Error('no tools');
  fleet.simulator.onAnyKey(({ ordinal }) =>
    answer(ordinal === 15 ? {} : { tools: ordinal % 2 === 0 ? [bash] : [bash, read] }),
  );

  const messages: object[] = [
    { role: 'user', content: [text(REMINDER), text('loop please')] },
    AGENTS,
  ];
  const first = await send({ ...MAIN, messages });
  let asked = await toolCallsIn(first);
  for (let step = 2; step <= 15; step += 1) {
    // Results come in the order in which the tools are done, with what hooks say behind them.
    messages.push(calls(asked), results(asked.toReversed(), text(HOOK)));
    const res = await send({ ...MAIN, messages: [...messages, AGENTS] });
    asked = await toolCallsIn(res);
    expect(await recorded(fleet, res)).toEqual({ purpose: 'main', user: [], machine: [HOOK] });
  }
  expect(asked).toEqual([]);

  expect(await recorded(fleet, first)).toEqual({
    purpose: 'main',
    user: ['loop please'],
    machine: [REMINDER],
  });
  expect(await conversationOf(fleet, session)).toMatchObject({
    calls: 15,
    turns: 15,
    threadCount: 1,
    threads: [
      {
        turns: [{ prompt: 'loop please' }, ...Array.from({ length: 14 }, () => ({ prompt: null }))],
      },
    ],
    others: [],
  });
});

test('11.1: what the user types while it works is a prompt, wherever it hands that on', async () => {
  const session = randomUUID();
  const send = claudeCode(session);
  const [bash] = MAIN.tools;
  if (bash === undefined) throw new Error('no tools');
  fleet.simulator.onAnyKey(answer({ tools: [{ name: bash.name, input: {} }] }));

  const typed = 'The user sent a new message while you were working:\nuse tabs';
  const wrapped = `<system-reminder>\n${typed}\n</system-reminder>`;
  const messages: object[] = [{ role: 'user', content: 'go' }, AGENTS];
  const asked = [await toolCallsIn(await send({ ...MAIN, messages }))];
  for (const last of [[{ role: 'system', content: typed }], []]) {
    const ids = asked.at(-1) ?? [];
    const beside = last.length === 0 ? [text(wrapped)] : [];
    messages.push(calls(ids), results(ids, ...beside), ...last);
    const res = await send({ ...MAIN, messages: [...messages, AGENTS] });
    asked.push(await toolCallsIn(res));
    const said = last.length === 0 ? wrapped : typed;
    expect(await recorded(fleet, res)).toEqual({ purpose: 'main', user: [said], machine: [] });
  }
  expect(await conversationOf(fleet, session)).toMatchObject({ calls: 3, threadCount: 1 });
});

test('11.2: what it calls for itself is recorded by purpose, and no turn', async () => {
  const session = randomUUID();
  const send = claudeCode(session);
  fleet.simulator.onAnyKey(answer());
  const own = async (
    body: object,
    headers: Record<string, string> = {},
    route = '/v1/messages',
  ): Promise<unknown> => {
    const res = await send(body, headers, route);
    await res.text();
    return recorded(fleet, res);
  };

  const title = {
    system: system('Generate a concise, sentence-case title (3-7 words) that captures'),
    tools: [],
    ...asks('<session>\nREAL SECRET\n</session>'),
  };
  expect(await own(title)).toEqual({
    purpose: 'title',
    user: [],
    machine: ['<session>\nREAL SECRET\n</session>'],
  });
  expect(await own({ ...MAIN, ...asks('REAL SECRET', '.') })).toMatchObject({
    purpose: 'main',
    user: ['REAL SECRET\n\n.'],
  });
  expect(await own({ ...MAIN, ...asks('REAL SECRET', COMPACT) })).toMatchObject({
    purpose: 'compact',
    user: [],
  });
  const agent = { 'x-claude-code-agent-id': 'a36b54f531d2e0f35' };
  expect(await own({ ...MAIN, ...asks('find it') }, agent)).toMatchObject({ purpose: 'subagent' });
  expect(await own(asks('foo'), {}, '/v1/messages/count_tokens')).toEqual({
    purpose: 'count_tokens',
    user: [],
    machine: [],
  });

  expect(await conversationOf(fleet, session)).toMatchObject({
    calls: 5,
    turns: 1,
    threadCount: 1,
    threads: [{ turns: [{ prompt: 'REAL SECRET\n\n.' }] }],
    others: ['title', 'compact', 'subagent', 'count_tokens'].map((purpose) => ({ purpose })),
  });
});

test('11.2: the text of a machine is searched only when asked for, even what a user wrapped up', async () => {
  const send = claudeCode(randomUUID());
  fleet.simulator.onAnyKey(answer());
  const wrapped = '<system-reminder>hidden marmalade</system-reminder>';
  await (await send({ ...MAIN, messages: [{ role: 'user', content: wrapped }, AGENTS] })).text();
  const found = async (more: string): Promise<unknown> => {
    const res = await fetch(`${fleet.bridge.url}/api/v1/interceptions?text=marmalade${more}`);
    return Object(await res.json())['items'];
  };
  await expect.poll(() => found('&textSource=all')).toMatchObject([{ purpose: 'main' }]);
  expect(await found('')).toEqual([]);
});
