import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, test } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import type { OfferedTool, ToolResult } from '../../mcp/index.ts';
import { NOTHING_FOUND } from '../apis/api.ts';
import { MESSAGES } from '../apis/messages/index.ts';
import type { KeptTurns, ToolDialect, WovenTurn } from '../apis/tool-dialect.ts';
import { textOf, ToolLoop, type LoopLimits } from './tool-loop.ts';

const TOOL: OfferedTool = {
  name: 'bmcp_files_read',
  description: '',
  inputSchema: { type: 'object' },
  tool: 'read',
  server: 'files',
  serverUrl: 'http://files/mcp',
};
const saying = (text: string): ToolResult => ({
  content: [{ type: 'text', text }],
  structured: undefined,
  isError: false,
  error: null,
  bytes: text.length,
});

type Run = (input: JsonObject, signal: AbortSignal) => Promise<ToolResult>;

type Named = Pick<WovenTurn, 'names' | 'lastId'>;

function dialect(named: Named): ToolDialect {
  const { tools } = MESSAGES;
  if (tools === undefined) throw new Error('the API has no tools');
  const startWeaving: ToolDialect['startWeaving'] = (isOffered) => {
    const weaver = tools.startWeaving(isOffered);
    const endTurn = weaver.endTurn.bind(weaver);
    return Object.assign(weaver, { endTurn: () => ({ ...endTurn(), ...named }) });
  };
  return { ...tools, startWeaving };
}

/** A loop over whole answers of the Messages API, and what it did. */
function aLoop(run: Run, limits: Partial<LoopLimits> = {}, named: Named = {}) {
  const did: string[] = [];
  const kept: KeptTurns[] = [];
  const loop = new ToolLoop(textOf(Buffer.from('{"messages":[{"role":"user","content":"hi"}]}')), {
    dialect: dialect(named),
    tools: [TOOL],
    servers: { call: (_tool, input, _user, signal) => run(input, signal) },
    limits: { turnsMax: 5, totalTimeoutMs: 60_000, requestBytesMax: 1_000_000, ...limits },
    user: { id: 'alice', metadata: {}, groups: [] },
    keep: (turns) => void kept.push(turns),
  });
  const witness = {
    toolBegun: async ({ id }: { id: string }, { tool }: OfferedTool) => {
      // What is written to a disk is there later.
      await setImmediate();
      did.push(`${tool} ${id} begins`);
      return ({ error }: ToolResult) => void did.push(`${tool} ${id} ends: ${error ?? 'well'}`);
    },
    note: (text: string) => void did.push(text),
  };
  const turn = (calls: object, signal = new AbortController().signal) => {
    const content = Object.entries(calls).map(([id, input]) => {
      const name = id.startsWith('own') ? 'ls' : TOOL.name;
      return { type: 'tool_use', id, name, input };
    });
    const stop_reason = content.length > 0 ? 'tool_use' : 'end_turn';
    const body = { id: 'msg_1', content, stop_reason, usage: {} };
    loop.weaver.body(Buffer.from(JSON.stringify(body)), body);
    return loop.finishTurn(witness, signal);
  };
  const results = (): unknown[] => {
    const messages: unknown = loop.request.body['messages'];
    const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined;
    const blocks: unknown = Object(last).content;
    return Array.isArray(blocks) ? blocks.map((block) => Object(block).content?.[0]?.text) : [];
  };
  return { loop, did, kept, turn, results };
}

describe('a turn', () => {
  it('is the last one when it calls nothing', async () => {
    const { loop, turn, did } = aLoop(() => Promise.reject(new Error('never')));
    const before = loop.request;
    expect(await turn({})).toBe('last');
    expect(loop.request).toBe(before);
    expect(did).toEqual([]);
  });

  it('goes on with all results, in the order of the calls, whichever comes first', async () => {
    const first = Promise.withResolvers<ToolResult>();
    const { turn, results, did } = aLoop((input) => {
      if (input['n'] === 1) return first.promise;
      first.resolve(saying('one'));
      return Promise.resolve(saying('two'));
    });
    expect(await turn({ t1: { n: 1 }, t2: { n: 2 } })).toBe('goes_on');
    expect(results()).toEqual(['one', 'two']);
    expect(did.slice(0, 2)).toEqual(['read t1 begins', 'read t2 begins']);
    expect(did).toHaveLength(4);
  });

  it('runs a tool once that is on record, and not before', async () => {
    const { turn, did } = aLoop(() => {
      did.push('runs');
      return Promise.resolve(saying('one'));
    });
    await turn({ t1: {} });
    expect(did).toEqual(['read t1 begins', 'runs', 'read t1 ends: well']);
  });

  it('that calls a tool of the caller’s as well is the last one, and is kept', async () => {
    const { loop, turn, kept } = aLoop(() => Promise.resolve(saying('one')));
    await turn({ t1: {} });
    const before = loop.request;
    expect(await turn({ t2: {}, own1: {} })).toBe('last');
    expect(loop.request).toBe(before);
    expect(kept).toMatchObject([{ callersCalls: ['own1'], results: [{ call: { id: 't2' } }] }]);
    expect(kept[0]?.before.map(String).join()).toContain('"tool_use_id":"t1"');
    expect(String(JSON.parse(String(loop.ending)).content[0].id)).toBe('own1');
  });

  it('that calls nothing is kept as well, if the caller may name it', async () => {
    const named = { names: ['rs_1'], lastId: 'resp_2' };
    const { turn, kept } = aLoop(() => Promise.resolve(saying('one')), {}, named);
    await turn({ t1: {} });
    expect(await turn({})).toBe('last');
    expect(kept).toMatchObject([{ ...named, callersCalls: [], results: [] }]);
    expect(kept[0]?.before.map(String).join()).toContain('"tool_use_id":"t1"');
  });

  it('tells the model of input that is no object, without running anything', async () => {
    const { turn, results } = aLoop(() => Promise.reject(new Error('never')));
    expect(await turn({ t1: ['a'] })).toBe('goes_on');
    expect(results()).toEqual(['The input of the tool is not a JSON object.']);
  });
});

/** A tool that goes on until it is stopped. */
const stopped: Run = (_input, signal) =>
  new Promise((_resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });

describe('the limit', () => {
  it('of turns tells the model, and forbids it to call again', async () => {
    const { loop, turn, results, did } = aLoop(() => Promise.resolve(saying('x')), { turnsMax: 1 });
    expect(await turn({ t1: {} })).toBe('goes_on');
    expect(loop.request.body['tool_choice']).toBeUndefined();
    expect(await turn({ t2: {} })).toBe('goes_on');
    expect(results()).toEqual(['The tool was not run: no more than 1 turns use tools.']);
    expect(loop.request.body['tool_choice']).toEqual({ type: 'none' });
    expect(did).toContain('the limit of turns with tools was reached');
    expect(await turn({ t3: {} })).toBe('defiant');
    expect(did.filter((what) => what.endsWith('begins'))).toEqual(['read t1 begins']);
  });

  it('of time stops what runs, and forbids more', async () => {
    const { loop, turn, did } = aLoop(stopped, { totalTimeoutMs: 1 });
    expect(await turn({ t1: {} })).toBe('goes_on');
    expect(did).toContain('tools ran for as long as those of one call may');
    expect(did[1]).toMatch(/^read t1 ends: The tool was stopped/);
    expect(loop.request.body['tool_choice']).toEqual({ type: 'none' });
  });

  it('of size leaves results out, and forbids more', async () => {
    const huge = saying('x'.repeat(10_000));
    const { loop, turn, results, did } = aLoop(() => Promise.resolve(huge), {
      requestBytesMax: 1_000,
    });
    expect(await turn({ t1: {}, t2: {} })).toBe('goes_on');
    expect(results()).toEqual([
      'The result is too large to be shown.',
      'The result is too large to be shown.',
    ]);
    expect(loop.request.json.length).toBeLessThan(1_000);
    expect(did).toContain('what tools answered was too large to go on with');
  });

  it('of calls in one turn runs the first ones', async () => {
    const { turn, results, did } = aLoop(() => Promise.resolve(saying('x')));
    await turn(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`t${index}`, {}])));
    expect(did.filter((what) => what.endsWith('begins'))).toHaveLength(32);
    expect(results()[32]).toBe('The tool was not run: no more than 32 calls are in one turn.');
  });
});

it('rejects when its caller has gone, after what runs was told so', async () => {
  const gone = new AbortController();
  const { turn, did } = aLoop((_input, signal) => {
    gone.abort(new Error('gone'));
    return signal.aborted ? Promise.reject(new Error('stopped')) : Promise.resolve(saying('x'));
  });
  await expect(turn({ t1: {} }, gone.signal)).rejects.toThrow('gone');
  expect(did).toHaveLength(2);
});

const finding = (toolCallId: string, tool: string) => ({ toolCallId, tool, input: '{}' });

test('what was run is not told twice, and what was not is told to be not', async () => {
  const { loop, turn } = aLoop(() => Promise.resolve(saying('x')));
  await turn({ t1: {} });
  const tools = [finding('t1', TOOL.name), finding('t2', TOOL.name), finding('t3', 'ls')];
  expect(loop.told({ ...NOTHING_FOUND, tools }).tools).toEqual([
    { ...tools[1], notRun: TOOL },
    tools[2],
  ]);
});

// Some vendors begin to count their calls anew in each turn.
test('what a turn calls that breaks off was not run because one before it was', async () => {
  const { loop, turn } = aLoop(() => Promise.resolve(saying('x')));
  loop.takes('body');
  await turn({ t1: {} });
  loop.takes('body');
  const tool = { toolCallId: 't1', tool: TOOL.name, input: '{}' };
  expect(loop.told({ ...NOTHING_FOUND, tools: [tool] }).tools).toEqual([{ ...tool, notRun: TOOL }]);
});

it('takes turns of one kind', () => {
  const { loop } = aLoop(() => Promise.resolve(saying('x')));
  expect([loop.takes('stream'), loop.takes('stream'), loop.takes('body')]).toEqual([
    true,
    true,
    false,
  ]);
});
