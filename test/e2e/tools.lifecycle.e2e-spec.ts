import { afterEach, beforeEach, expect, test } from 'vitest';
import { textResult, ToolServer } from '../simulator/mcp/index.ts';
import { answer, type Behaviour } from '../simulator/index.ts';
import { Bridge } from '../support/bridge.ts';
import { recordOf } from '../support/record-of.ts';
import { messagesBody, POOL_KEY, startSystem, type System } from '../support/system.ts';
import { toolServerVariables, toolsAreKnown } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { Wire } from '../support/wire.ts';

const PATH = '/anthropic/v1/messages';

let tools: ToolServer;
let system: System;

beforeEach(async () => {
  tools = await ToolServer.start();
});
afterEach(async () => {
  await system.stop();
  await tools.close();
});

async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
  system = await startSystem({ env: { ...toolServerVariables(tools), ...env } });
  await toolsAreKnown(system.bridge);
}

const calling = (...names: readonly string[]): Behaviour =>
  answer({
    text: 'Let me see.',
    tools: names.map((name, index) => ({ name, id: `call_${index}`, input: { text: 'hi' } })),
    usage: { input: 10, output: 7 },
  });
const script = (...behaviours: readonly Behaviour[]): void => {
  system.simulator.key(POOL_KEY).inOrder(...behaviours);
};

async function post(body: string, bridge = system.bridge): Promise<Response> {
  return fetch(`${bridge.url}${PATH}`, { method: 'POST', body });
}

test('SIGTERM: a call whose tool runs goes on to its end', async () => {
  await start({ AIBRIDGE_DRAIN_TIMEOUT: '10s' });
  script(calling('bmcp_test_slow'), answer({ text: 'done' }));
  const asked = post(messagesBody({ stream: true }));
  const call = await tools.waitForCall();
  system.bridge.signal('SIGTERM');
  await system.bridge.log(({ msg }) => msg.startsWith('stopping'));
  call.release();
  expect(await (await asked).text()).toMatch(/message_stop"\}\n\n$/);
  expect(await system.bridge.exited()).toBe(0);
  const { row, tools: recorded } = await recordOf(system.tables, await asked);
  expect(row).toMatchObject({ status: 'completed', attempt_count: 2 });
  expect(recorded).toMatchObject([{ tool: 'slow', error: null }]);
});

test('SIGTERM: a tool that takes longer than the bridge may is cancelled', async () => {
  await start({ AIBRIDGE_DRAIN_TIMEOUT: '100ms' });
  script(calling('bmcp_test_slow'));
  const asked = post(messagesBody());
  const call = await tools.waitForCall();
  system.bridge.signal('SIGTERM');
  await expect(asked).rejects.toThrow('fetch failed');
  await Promise.race([call.cancelled, call.abandoned]);
  expect(await system.bridge.exited()).toBe(0);
  const [row] = await system.tables.rows('SELECT * FROM interceptions');
  expect(row).toMatchObject({ status: 'aborted', output_tokens: '7' });
  expect(await system.tables.children('tool_usages', String(row?.['id']))).toMatchObject([
    { tool: 'slow', injected: true, error: expect.stringContaining('stopped') },
  ]);
});

test('kill -9: what the server was asked is on record, and that nobody knows what came of it', async () => {
  await start();
  script(calling('bmcp_test_slow'));
  const wire = await Wire.connect(system.bridge.url);
  await wire.post(PATH, messagesBody({ stream: true }));
  const call = await tools.waitForCall();
  const [open] = await until('the open record', async () => {
    const rows = await system.tables.rows(
      'SELECT i.*, t.error AS tool_error FROM interceptions i JOIN tool_usages t ON t.interception_id = i.id',
    );
    return rows.length === 0 ? undefined : rows;
  });
  expect(open).toMatchObject({ status: 'in_progress', tool_error: 'no result has come' });
  await system.bridge.kill();
  await call.abandoned;

  const successor = await Bridge.start({ env: system.env, dataDir: system.bridge.dataDir });
  try {
    const row = await system.tables.ended(String(open?.['id']));
    expect(row).toMatchObject({ status: 'interrupted', output_tokens: '7' });
    expect(await system.tables.children('tool_usages', String(row['id']))).toMatchObject([
      {
        tool: 'slow',
        server_url: tools.url,
        input: '{"text":"hi"}',
        injected: true,
        error: 'no result has come',
        duration_ms: null,
      },
    ]);
    expect(await system.tables.children('attempts', String(row['id']))).toMatchObject([
      { turn: 1, outcome: 'served' },
    ]);
  } finally {
    await successor.stop();
  }
});

const OWN = { name: 'ls', input_schema: { type: 'object' } };

test('what a caller says after a mixed turn is put back into what the model said', async () => {
  await start();
  script(calling('bmcp_test_echo'), calling('bmcp_test_echo', 'ls'), answer({ text: 'done' }));
  const question = { role: 'user', content: 'hi' };
  const first = Object(
    await (await post(messagesBody({ tools: [OWN], messages: [question] }))).json(),
  );
  const results = first.content
    .filter(({ type }: { type: string }) => type === 'tool_use')
    .map(({ id }: { id: string }) => ({ type: 'tool_result', tool_use_id: id, content: 'mine' }));
  expect(results).toHaveLength(1);
  const messages = [
    question,
    { role: 'assistant', content: first.content },
    { role: 'user', content: results },
  ];
  const second = await post(messagesBody({ tools: [OWN], messages }));
  expect(Object(await second.json()).content).toMatchObject([{ text: 'done' }]);

  const [, , last] = system.simulator.calls;
  const sent = Object(last?.json).messages;
  expect(sent).toMatchObject([
    question,
    { role: 'assistant', content: [{ type: 'text' }, { name: 'bmcp_test_echo' }] },
    { role: 'user', content: [{ tool_use_id: 'call_0', content: [{ text: 'hi' }] }] },
    { role: 'assistant', content: [{ type: 'text' }, { name: 'bmcp_test_echo' }, { name: 'ls' }] },
    {
      role: 'user',
      content: [{ tool_use_id: 'call_0', content: [{ text: 'hi' }] }, { content: 'mine' }],
    },
  ]);
  // As far as the model knows it, the conversation has only grown.
  const [, before] = system.simulator.calls;
  expect(sent.slice(0, 3)).toEqual(Object(before?.json).messages);
});

test('of a server that changes its tools the newest are offered', async () => {
  await start();
  system.simulator.onAnyKey(answer());
  await tools.add({ name: 'aaa', run: () => textResult('new') });
  await expect
    .poll(async () => {
      await (await post(messagesBody())).text();
      return Object(system.simulator.calls.at(-1)?.json).tools[0].name;
    })
    .toBe('bmcp_test_aaa');
});

const asMemberOf = (groups: string): Record<string, string> => ({
  'x-forwarded-user': 'alice',
  'x-forwarded-groups': groups,
});

test('only who is in one of its groups is offered the tools of a server', async () => {
  const identity = {
    AIBRIDGE_IDENTITY: 'header',
    AIBRIDGE_ADMIN_GROUPS: 'ops',
    AIBRIDGE_MCP_0_GROUPS: 'dev,ops',
  };
  system = await startSystem({ env: { ...toolServerVariables(tools), ...identity } });
  await toolsAreKnown(system.bridge, asMemberOf('ops'));
  system.simulator.onAnyKey(answer());
  for (const groups of ['sales', 'sales,dev']) {
    const headers = asMemberOf(groups);
    const res = await fetch(`${system.bridge.url}${PATH}`, {
      method: 'POST',
      headers,
      body: messagesBody(),
    });
    await res.text();
  }
  const offered = system.simulator.calls.map(({ json }) => Object(json).tools?.length ?? 0);
  expect(offered).toEqual([0, 7]);
});

test('a caller with a tool of the same name keeps its own, and the record says so', async () => {
  await start();
  system.simulator.onAnyKey(calling('bmcp_test_echo'));
  const own = { name: 'bmcp_test_echo', input_schema: { type: 'object' } };
  const res = await post(messagesBody({ tools: [own] }));
  const { content } = Object(await res.json());
  expect(content[1]).toMatchObject({ type: 'tool_use', name: 'bmcp_test_echo' });
  expect(tools.calls).toEqual([]);
  const { row, tools: recorded } = await recordOf(system.tables, res);
  expect(row['notes']).toEqual(['the caller brings a tool bmcp_test_echo of its own']);
  expect(recorded).toMatchObject([{ tool: 'bmcp_test_echo', injected: false }]);
});

test('calls of a client’s own beside the conversation get no tools', async () => {
  await start();
  system.simulator.onAnyKey(answer());
  const body = messagesBody({ messages: [{ role: 'user', content: 'quota' }], max_tokens: 1 });
  const res = await fetch(`${system.bridge.url}${PATH}`, {
    method: 'POST',
    headers: { 'user-agent': 'claude-cli/2.1.197 (external, cli)', 'x-app': 'cli' },
    body,
  });
  await res.text();
  expect((await recordOf(system.tables, res)).row).toMatchObject({ purpose: 'quota' });
  expect(system.simulator.calls[0]?.body.toString()).toBe(body);
});

test('metrics count the tools that were run', async () => {
  await start();
  script(calling('bmcp_test_echo'), answer({ text: 'done' }));
  await (await post(messagesBody())).text();
  const metrics = await (await fetch(`${system.bridge.url}/metrics`)).text();
  expect(metrics).toMatch(/^aibridge_injected_tool_invocations_total\{.*name="echo".*\} 1$/m);
});
