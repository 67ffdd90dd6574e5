import { describe, expect, test } from 'vitest';
import { frameOf, readFrame } from '../../../core/sse-frame.ts';
import type { WovenTurn } from '../tool-dialect.ts';
import { MessagesWeaver } from './messages-weaver.ts';

const isOffered = (tool: string): boolean => tool.startsWith('bmcp_');

const event = (name: string, fields: object = {}): Buffer =>
  frameOf({ name, data: JSON.stringify({ type: name, ...fields }) });
const start = (id: string, usage: object = { input_tokens: 10, output_tokens: 1 }): Buffer =>
  event('message_start', { message: { id, type: 'message', role: 'assistant', usage } });
const block = (index: number, content_block: object, ...deltas: readonly object[]): Buffer[] => [
  event('content_block_start', { index, content_block }),
  ...deltas.map((delta) => event('content_block_delta', { index, delta })),
  event('content_block_stop', { index }),
];
const text = (index: number, said: string): Buffer[] =>
  block(index, { type: 'text', text: '' }, { type: 'text_delta', text: said });
const tool = (index: number, id: string, name: string, json = '{}'): Buffer[] =>
  block(
    index,
    { type: 'tool_use', id, name, input: {} },
    { type: 'input_json_delta', partial_json: json.slice(0, 3) },
    { type: 'input_json_delta', partial_json: json.slice(3) },
  );
const end = (stop_reason: string, output_tokens = 5): Buffer[] => [
  event('message_delta', { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens } }),
  event('message_stop'),
];

interface Woven {
  readonly shown: Buffer;
  readonly turns: readonly WovenTurn[];
}

/** What the caller gets of these turns, and what each came to. */
function woven(...turns: readonly (readonly Buffer[])[]): Woven {
  const weaver = new MessagesWeaver(isOffered);
  const shown: Buffer[] = [];
  const ended = turns.map((frames) => {
    for (const frame of frames) shown.push(weaver.frame(frame) ?? Buffer.alloc(0));
    return weaver.endTurn();
  });
  return {
    shown: Buffer.concat([...shown, ended.at(-1)?.ending ?? Buffer.alloc(0)]),
    turns: ended,
  };
}

/** The data of the frames, as the caller reads them. */
function dataOf(stream: Buffer): unknown[] {
  const frames = stream
    .toString()
    .split('\n\n')
    .filter((frame) => frame !== '');
  return frames.map((frame) => JSON.parse(readFrame(Buffer.from(frame))?.data ?? 'null'));
}

test('a turn without calls of the bridge’s tools stays byte for byte as it came', () => {
  const frames = [
    start('msg_1'),
    event('ping'),
    Buffer.from(': hi\n\n'),
    ...block(
      0,
      { type: 'thinking', thinking: '', signature: '' },
      { type: 'thinking_delta', thinking: 'hm' },
    ),
    ...text(1, 'hello'),
    ...tool(2, 'toolu_1', 'ls', '{"a": 1.0}'),
    event('later', { index: 7 }),
    ...end('tool_use'),
  ];
  const { shown, turns } = woven(frames);
  expect(shown.equals(Buffer.concat(frames))).toBe(true);
  expect(turns).toMatchObject([{ calls: [], isLast: true, callersCalls: ['toolu_1'] }]);
});

describe('two turns', () => {
  const first = [
    start('msg_1', { input_tokens: 10, output_tokens: 1, cache_read_input_tokens: 3 }),
    ...block(
      0,
      { type: 'thinking', thinking: '', signature: '' },
      { type: 'thinking_delta', thinking: 'let ' },
      { type: 'thinking_delta', thinking: 'me' },
      { type: 'signature_delta', signature: 'c2ln' },
    ),
    ...text(1, 'I will look.'),
    ...tool(2, 'toolu_1', 'bmcp_files_read', '{"path": "a", "n": 9007199254740993}'),
    ...tool(3, 'toolu_2', 'bmcp_files_read', '{}'),
    ...end('tool_use', 7),
  ];
  const second = [
    start('msg_2', { input_tokens: 30, output_tokens: 1 }),
    ...text(0, 'done'),
    ...end('end_turn', 11),
  ];
  const { shown, turns } = woven(first, second);

  test('are one answer with one start, one end, and numbers of its own', () => {
    const types = dataOf(shown).map((data) => Object(data).type);
    expect(types.filter((type) => type === 'message_start')).toHaveLength(1);
    expect(types.slice(-2)).toEqual(['message_delta', 'message_stop']);
    const indexes = dataOf(shown).flatMap((data) => Object(data).index ?? []);
    expect(indexes).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2]);
  });

  test('and all that they cost is told at the end', () => {
    expect(dataOf(shown).at(-2)).toMatchObject({
      delta: { stop_reason: 'end_turn' },
      usage: { output_tokens: 18, input_tokens: 40, cache_read_input_tokens: 3 },
    });
  });

  test('what was shown of the first has no changed byte', () => {
    const visible = Buffer.concat(first.slice(0, 8));
    expect(shown.subarray(0, visible.length).equals(visible)).toBe(true);
  });

  test('the first one calls two tools, with their input as the model wrote it', () => {
    expect(turns[0]).toMatchObject({
      isLast: false,
      calls: [
        { id: 'toolu_1', name: 'bmcp_files_read', input: '{"path": "a", "n": 9007199254740993}' },
        { id: 'toolu_2', name: 'bmcp_files_read', input: '{}' },
      ],
    });
  });

  test('and is said again as it was, thoughts with their signatures', () => {
    expect(turns[0]?.said.map(String)).toEqual([
      `{"role":"assistant","content":[${[
        '{"type":"thinking","thinking":"let me","signature":"c2ln"}',
        '{"type":"text","text":"I will look."}',
        '{"type":"tool_use","id":"toolu_1","name":"bmcp_files_read","input":{"path": "a", "n": 9007199254740993}}',
        '{"type":"tool_use","id":"toolu_2","name":"bmcp_files_read","input":{}}',
      ].join(',')}]}`,
    ]);
  });
});

test('a turn that calls tools of both shows the caller its own, and is its last', () => {
  const { shown, turns } = woven([
    start('msg_1'),
    ...tool(0, 'toolu_1', 'bmcp_files_read'),
    ...tool(1, 'toolu_2', 'ls'),
    ...end('tool_use'),
  ]);
  expect(turns[0]).toMatchObject({
    isLast: true,
    calls: [{ id: 'toolu_1' }],
    callersCalls: ['toolu_2'],
  });
  const indexes = dataOf(shown).flatMap((data) => Object(data).index ?? []);
  expect(indexes).toEqual([0, 0, 0, 0]);
  expect(shown.includes('toolu_1')).toBe(false);
});

test.each(['max_tokens', 'refusal', ''])('a turn that stops with %j calls nothing', (reason) => {
  const { turns } = woven([start('msg_1'), ...tool(0, 'toolu_1', 'bmcp_a_b'), ...end(reason)]);
  expect(turns[0]).toMatchObject({ calls: [], isLast: true });
});

test('a call that was never closed is none', () => {
  const [opened = NOTHING, ...pieces] = tool(0, 'toolu_1', 'bmcp_a_b');
  const { turns } = woven([start('msg_1'), opened, ...pieces.slice(0, 1), ...end('tool_use')]);
  expect(turns[0]).toMatchObject({ calls: [], isLast: true });
});

test('blank texts are not said again: the API refuses them', () => {
  const { turns } = woven([
    start('msg_1'),
    ...text(0, ' '),
    ...tool(1, 'toolu_1', 'bmcp_a_b'),
    ...end('tool_use'),
  ]);
  expect(String(turns[0]?.said[0])).not.toContain('"text"');
});

const NOTHING = Buffer.alloc(0);

const wholeBody = (fields: object): Buffer =>
  Buffer.from(JSON.stringify({ id: 'msg_1', type: 'message', ...fields }, null, 1));
const weave = (...bodies: readonly Buffer[]): Woven => {
  const weaver = new MessagesWeaver(isOffered);
  const turns = bodies.map((json) => {
    weaver.body(json, JSON.parse(json.toString()));
    return weaver.endTurn();
  });
  return { shown: turns.at(-1)?.ending ?? NOTHING, turns };
};
const SAID = { type: 'text', text: 'I will look.' };
const toolUse = (id: string, name: string): object => ({
  type: 'tool_use',
  id,
  name,
  input: { a: 1 },
});

describe('whole answers', () => {
  test('of one turn stay as they came', () => {
    const json = wholeBody({
      content: [SAID, toolUse('toolu_1', 'ls')],
      stop_reason: 'tool_use',
      usage: {},
    });
    expect(weave(json).shown).toBe(json);
  });

  test('of two turns are one', () => {
    const first = wholeBody({
      content: [SAID, toolUse('toolu_1', 'bmcp_a_b')],
      stop_reason: 'tool_use',
      usage: { input_tokens: 1, output_tokens: 2, server_tool_use: { web_search_requests: 1 } },
    });
    const second = wholeBody({
      id: 'msg_2',
      content: [{ type: 'text', text: 'done' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 10, output_tokens: 20, service_tier: 'standard' },
    });
    const { shown, turns } = weave(first, second);
    expect(turns[0]).toMatchObject({ isLast: false, calls: [{ id: 'toolu_1', input: '{"a":1}' }] });
    expect(JSON.parse(shown.toString())).toEqual({
      id: 'msg_1',
      type: 'message',
      content: [SAID, { type: 'text', text: 'done' }],
      stop_reason: 'end_turn',
      usage: {
        input_tokens: 11,
        output_tokens: 22,
        server_tool_use: { web_search_requests: 1 },
        service_tier: 'standard',
      },
    });
  });

  test('of a mixed turn show the caller its own calls', () => {
    const content = [toolUse('toolu_1', 'bmcp_a_b'), toolUse('toolu_2', 'ls')];
    const { shown, turns } = weave(wholeBody({ content, stop_reason: 'tool_use', usage: {} }));
    expect(JSON.parse(shown.toString())).toMatchObject({ content: [content[1]] });
    expect(turns[0]).toMatchObject({
      isLast: true,
      calls: [{ id: 'toolu_1' }],
      callersCalls: ['toolu_2'],
    });
  });
});
