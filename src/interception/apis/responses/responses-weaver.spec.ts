import { describe, expect, test } from 'vitest';
import { frameOf, readFrame } from '../../../core/sse-frame.ts';
import type { WovenTurn } from '../tool-dialect.ts';
import { ResponsesWeaver } from './responses-weaver.ts';

const isOffered = (tool: string): boolean => tool.startsWith('bmcp_');
const NOTHING = Buffer.alloc(0);

type Event = Record<string, unknown>;

/** Numbered from 0, as the API does it. */
const stream = (...events: readonly Event[]): Buffer[] =>
  events.map((event, sequence_number) =>
    frameOf({
      name: String(event['type']),
      data: JSON.stringify({ ...event, sequence_number }),
    }),
  );
const begun = (id: string): Event[] => [
  { type: 'response.created', response: { id, model: 'm', status: 'in_progress', output: [] } },
  { type: 'response.in_progress', response: { id, model: 'm', output: [] } },
];
const item = (output_index: number, said: object, ...types: readonly string[]): Event[] => [
  { type: 'response.output_item.added', output_index, item: said },
  ...types.map((type) => ({ type, item_id: 'i', output_index, delta: 'x' })),
  { type: 'response.output_item.done', output_index, item: said },
];
const TEXT = 'response.output_text.delta';
const ARGUMENTS = 'response.function_call_arguments.delta';
const thought = (id: string): object => ({ id, type: 'reasoning', summary: [] });
const text = (said: string): object => ({
  id: `msg_${said}`,
  type: 'message',
  role: 'assistant',
  content: [{ type: 'output_text', text: said }],
});
const call = (call_id: string, name: string, input = '{"a": 1.0}'): object => ({
  id: `fc_${call_id}`,
  type: 'function_call',
  call_id,
  name,
  arguments: input,
});
const usage = (input_tokens: number, output_tokens: number): object => ({
  input_tokens,
  output_tokens,
  output_tokens_details: { reasoning_tokens: 1 },
  total_tokens: input_tokens + output_tokens,
});
const ended = (id: string, output: readonly object[], fields: object = {}): Event => ({
  type: 'response.completed',
  response: { id, model: 'm', status: 'completed', output, usage: usage(10, 5), ...fields },
});
/** A turn that tells each of these items in one piece. */
const turnOf = (id: string, output: readonly object[], fields: object = {}): Buffer[] =>
  stream(
    ...begun(id),
    ...output.flatMap((said, index) => item(index, said, TEXT)),
    ended(id, output, fields),
  );

interface Woven {
  readonly shown: Buffer;
  readonly turns: readonly WovenTurn[];
  readonly weaver: ResponsesWeaver;
}

/** What the caller gets of these turns, and what each came to. */
function woven(...turns: readonly (readonly Buffer[])[]): Woven {
  const weaver = new ResponsesWeaver(isOffered);
  const shown: Buffer[] = [];
  const came = turns.map((frames) => {
    for (const frame of frames) shown.push(weaver.frame(frame) ?? NOTHING);
    return weaver.endTurn();
  });
  const all = Buffer.concat([...shown, came.at(-1)?.ending ?? NOTHING]);
  return { shown: all, turns: came, weaver };
}

/** The data of the frames, as the caller reads them. */
function dataOf(shown: Buffer): Event[] {
  const frames = shown.toString().split('\n\n');
  return frames
    .filter((frame) => frame !== '')
    .map((frame) => JSON.parse(readFrame(Buffer.from(frame))?.data ?? 'null'));
}

function numbersOf(shown: Buffer): unknown[] {
  return dataOf(shown).map((data) => data['sequence_number']);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

describe('a turn without calls of the bridge’s tools stays byte for byte as it came', () => {
  const said = [
    thought('rs_1'),
    text('hello'),
    call('c1', 'ls'),
    { type: 'web_search_call', id: 'ws' },
  ];
  test.each([
    ['as the API tells it', turnOf('resp_1', said)],
    [
      'with comments, what is no JSON, and more behind its end',
      [...turnOf('resp_1', said), Buffer.from(': hi\n\n'), Buffer.from('data: [DONE]\n\n')],
    ],
    [
      'with numbers of its own',
      [
        Buffer.from(
          'data: {"type":"response.output_item.added","output_index":4,"item":{}}\r\n\r\n',
        ),
        Buffer.from('event: x\ndata: {"type":"x","sequence_number":7 }\n\n'),
        Buffer.from(
          'data: {"type":"response.completed","sequence_number":7,\ndata: "response":{}}\n\n',
        ),
      ],
    ],
    [
      'with nothing in its last event',
      stream(...begun('r'), ...item(0, said[2] ?? {}), ended('r', [])),
    ],
    ['that is not complete', stream({ ...ended('r', said), type: 'response.incomplete' })],
    ['that has failed', stream(...begun('r'), { ...ended('r', said), type: 'response.failed' })],
    ['that has an error', stream(...begun('r'), { type: 'error', code: 'x', message: 'y' })],
    ['that calls one in a namespace', turnOf('r', [{ ...call('c', 'bmcp_a'), namespace: 'mine' }])],
  ])('%s', (_, frames) => {
    const { shown, turns } = woven(frames);
    expect(shown.toString()).toBe(Buffer.concat(frames).toString());
    expect(turns).toMatchObject([{ calls: [], isLast: true }]);
    expect(turns[0]?.names).toBeUndefined();
  });
});

describe('two turns', () => {
  const first = [thought('rs_1'), text('look'), call('c1', 'bmcp_a'), call('c2', 'bmcp_b', '')];
  const second = [thought('rs_2'), text('done')];
  const firstFrames = turnOf('resp_1', first);
  const { shown, turns, weaver } = woven(firstFrames, turnOf('resp_2', second));
  const events = dataOf(shown);

  test('are one answer with one start, one end and numbers of its own', () => {
    const types = events.map(({ type }) => type);
    expect(types.filter((type) => type === 'response.created')).toHaveLength(1);
    expect(types.filter((type) => type === 'response.completed')).toHaveLength(1);
    expect(numbersOf(shown)).toEqual(upTo(events.length));
    const indexes = events.flatMap(({ output_index: index }) => index ?? []);
    expect(indexes).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
  });

  test('of which nothing is seen that was hidden', () => {
    expect(shown.includes('bmcp_')).toBe(false);
    expect(shown.includes(ARGUMENTS)).toBe(false);
  });

  test('and whose end has all of it, under the id that it began with', () => {
    expect(events.at(-1)?.['response']).toEqual({
      id: 'resp_1',
      model: 'm',
      status: 'completed',
      output: [first[0], first[1], second[0], second[1]],
      usage: {
        input_tokens: 20,
        output_tokens: 10,
        output_tokens_details: { reasoning_tokens: 2 },
        total_tokens: 30,
      },
    });
  });

  test('what was shown of the first has no changed byte', () => {
    const visible = Buffer.concat(firstFrames.slice(0, 8));
    expect(shown.subarray(0, visible.length).equals(visible)).toBe(true);
  });

  test('the first calls two tools, with their input as the model wrote it', () => {
    expect(turns[0]).toMatchObject({
      isLast: false,
      calls: [
        { id: 'c1', name: 'bmcp_a', input: '{"a": 1.0}' },
        { id: 'c2', name: 'bmcp_b', input: '{}' },
      ],
    });
    expect(turns[0]?.said.map(String)).toEqual(first.map((said) => JSON.stringify(said)));
  });

  test('the last says where the next request goes on from', () => {
    expect(turns[1]).toMatchObject({ isLast: true, names: ['resp_1'], lastId: 'resp_2' });
  });

  test('and an error behind them is numbered on', () => {
    const error = {
      code: 'internal' as const,
      message: 'gone',
      interceptionId: 'i',
      envelope: {},
    };
    expect(dataOf(Buffer.from(weaver.inBandError(error)))).toMatchObject([
      {
        type: 'response.failed',
        sequence_number: events.length,
        response: { id: 'resp_1', model: 'm' },
      },
    ]);
  });
});

test('items that are told at the same time keep their places', () => {
  const said = [text('a'), call('c1', 'bmcp_a'), text('b')];
  const [a = {}, hidden = {}, b = {}] = said;
  const frames = stream(
    ...begun('r'),
    ...[a, hidden, b].map((each, output_index) => ({
      type: 'response.output_item.added',
      output_index,
      item: each,
    })),
    ...[2, 1, 0].map((output_index) => ({ type: TEXT, output_index })),
    ...[b, hidden, a].map((each, index) => ({
      type: 'response.output_item.done',
      output_index: 2 - index,
      item: each,
    })),
    ended('r', said),
  );
  const { shown } = woven(frames);
  expect(dataOf(shown).flatMap(({ output_index: index }) => index ?? [])).toEqual([
    0, 1, 1, 0, 1, 0,
  ]);
  expect(numbersOf(shown)).toEqual(upTo(9));
});

describe('a turn that calls tools of both', () => {
  const said = [thought('rs_1'), call('c1', 'bmcp_a'), call('c2', 'ls')];
  const { shown, turns } = woven(turnOf('resp_1', said));

  test('shows the caller its own, and is its last', () => {
    expect(dataOf(shown).at(-1)).toMatchObject({ response: { output: [said[0], said[2]] } });
    expect(turns).toMatchObject([{ isLast: true, calls: [{ id: 'c1' }], callersCalls: ['c2'] }]);
  });

  test('is found again by the call, and by the thought that lost what it led to', () => {
    expect(turns[0]?.names).toEqual(['c2', 'rs_1']);
    expect(turns[0]?.lastId).toBeUndefined();
  });

  test('costs what it says', () => {
    expect(dataOf(shown).at(-1)).toMatchObject({ response: { usage: usage(10, 5) } });
  });
});

test.each<[string, object, string[]]>([
  ['custom tools', { type: 'custom_tool_call', call_id: 'c', name: 'x', input: '' }, ['c']],
  ['computers', { type: 'computer_call', id: 'cu', call_id: 'c' }, ['c']],
  ['shells', { type: 'local_shell_call', id: 'ls', call_id: 'c' }, ['c']],
  ['patches', { type: 'apply_patch_call', id: 'ap', call_id: 'c' }, ['c']],
  ['questions for leave', { type: 'mcp_approval_request', id: 'mcpr' }, ['mcpr']],
  ['the client’s search', { type: 'tool_search_call', call_id: 'c', execution: 'client' }, ['c']],
  [
    'not the provider’s search',
    { type: 'tool_search_call', call_id: 'c', execution: 'server' },
    [],
  ],
  ['not what the provider runs', { type: 'web_search_call', id: 'ws' }, []],
])('the caller’s turn has come for %s', (_, said, callersCalls) => {
  const { turns } = woven(turnOf('r', [call('c1', 'bmcp_a'), said]));
  expect(turns[0]).toMatchObject({ isLast: callersCalls.length > 0, callersCalls });
});

test('a shell that the provider runs is none of the caller’s', () => {
  const shell = { type: 'shell_call', call_id: 's' };
  const output = { type: 'shell_call_output', call_id: 's' };
  const { turns } = woven(turnOf('r', [shell, output, call('c1', 'bmcp_a')]));
  expect(turns[0]).toMatchObject({ isLast: false, callersCalls: [] });
});

describe('calls that were not made', () => {
  const said = [text('a'), call('c1', 'bmcp_a')];
  test.each(['response.incomplete', 'response.failed'])('as it is %s', (type) => {
    const { shown, turns } = woven(
      stream(...begun('r'), ...said.flatMap((each, index) => item(index, each)), {
        ...ended('r', said),
        type,
      }),
    );
    expect(turns).toMatchObject([{ calls: [], isLast: true }]);
    expect(dataOf(shown).at(-1)).toMatchObject({ type, response: { output: [said[0]] } });
    expect(shown.includes('bmcp_')).toBe(false);
  });

  test('as the stream breaks off', () => {
    const { turns } = woven(turnOf('r', said).slice(0, -1));
    expect(turns).toMatchObject([{ calls: [], isLast: true }]);
  });
});

test('a later turn that fails says so under the first one’s id', () => {
  const failed = { ...ended('resp_2', [text('b')]), type: 'response.failed' };
  const { shown } = woven(
    turnOf('resp_1', [text('a'), call('c1', 'bmcp_a')]),
    stream(...begun('resp_2'), ...item(0, text('b')), failed),
  );
  expect(dataOf(shown).at(-1)).toMatchObject({
    type: 'response.failed',
    response: { id: 'resp_1', output: [text('a'), text('b')] },
  });
});

test('what servers leave out at the end is taken from what they said before', () => {
  const said = [text('a'), call('c1', 'bmcp_a')];
  const events = said.flatMap((each, index) => item(index, each));
  const { shown, turns } = woven(
    stream(...begun('resp_1'), ...events, ended('resp_1', [])),
    stream(...begun('resp_2'), ...item(0, text('b')), ended('resp_2', [])),
  );
  expect(turns[0]).toMatchObject({ calls: [{ id: 'c1' }], isLast: false });
  expect(dataOf(shown).at(-1)).toMatchObject({ response: { output: [text('a'), text('b')] } });
});

describe('thoughts that the provider does not store', () => {
  const sealed = { ...thought('rs_1'), encrypted_content: `${'x'.repeat(100)}end` };
  const said = [sealed, thought('rs_2'), call('c1', 'bmcp_a')];
  const { turns } = woven(turnOf('resp_1', said, { store: false }), turnOf('resp_2', [text('b')]));

  test('are said again if they carry themselves along', () => {
    expect(turns[0]?.said.map(String)).toEqual(
      [sealed, said[2]].map((each) => JSON.stringify(each)),
    );
  });

  test('and are named by the end of what they carry', () => {
    const { turns: others } = woven(turnOf('r', [sealed, call('c1', 'bmcp_a'), call('c2', 'ls')]));
    expect(others[0]?.names).toEqual(['c2', 'rs_1', `${'x'.repeat(61)}end`]);
  });
});

test('an event of many lines is renumbered in one', () => {
  const weaver = new ResponsesWeaver(isOffered);
  for (const frame of turnOf('resp_1', [call('c1', 'bmcp_a')])) weaver.frame(frame);
  weaver.endTurn();
  const frame = Buffer.from('event: x\r\ndata: {"type":"x",\r\ndata: "sequence_number":9}\r\n\r\n');
  expect(weaver.frame(frame)?.toString()).toBe(
    'event: x\r\ndata: {"type":"x", "sequence_number":2}\r\n\r\n',
  );
});

const body = (fields: object): Buffer =>
  Buffer.from(JSON.stringify({ id: 'resp_1', n: 1, status: 'completed', ...fields }, null, 1));
const weave = (...bodies: readonly Buffer[]): { shown: Buffer; turns: WovenTurn[] } => {
  const weaver = new ResponsesWeaver(isOffered);
  const turns = bodies.map((json) => {
    weaver.body(json, JSON.parse(json.toString()));
    return weaver.endTurn();
  });
  return { shown: turns.at(-1)?.ending ?? NOTHING, turns };
};

describe('whole answers', () => {
  test.each([
    ['of one turn', body({ output: [text('a'), call('c', 'ls')], usage: usage(1, 2) })],
    ['without output', body({})],
    ['with one that is none', body({ output: null, error: { message: 'x' } })],
  ])('%s stay as they came', (_, json) => {
    expect(weave(json).shown).toBe(json);
  });

  test('of two turns are one, with the id of the last', () => {
    const first = body({ output: [text('a'), call('c1', 'bmcp_a')], usage: usage(1, 2) });
    const second = body({ id: 'resp_2', n: 2, output: [text('b')], usage: usage(10, 20) });
    const { shown, turns } = weave(first, second);
    expect(turns[0]).toMatchObject({ isLast: false, calls: [{ id: 'c1', input: '{"a": 1.0}' }] });
    expect(turns[1]).toMatchObject({ isLast: true, names: [] });
    expect(turns[1]?.lastId).toBeUndefined();
    expect(JSON.parse(shown.toString())).toEqual({
      id: 'resp_2',
      n: 2,
      status: 'completed',
      output: [text('a'), text('b')],
      usage: {
        input_tokens: 11,
        output_tokens: 22,
        output_tokens_details: { reasoning_tokens: 2 },
        total_tokens: 33,
      },
    });
  });

  test('of a mixed turn show the caller its own calls', () => {
    const { shown, turns } = weave(body({ output: [call('c1', 'bmcp_a'), call('c2', 'ls')] }));
    expect(JSON.parse(shown.toString())).toMatchObject({ output: [call('c2', 'ls')] });
    expect(turns).toMatchObject([{ isLast: true, calls: [{ id: 'c1' }], callersCalls: ['c2'] }]);
  });

  test('that are incomplete call nothing', () => {
    const { turns } = weave(body({ status: 'incomplete', output: [call('c1', 'bmcp_a')] }));
    expect(turns).toMatchObject([{ calls: [], isLast: true }]);
  });
});
