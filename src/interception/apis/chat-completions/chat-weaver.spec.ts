import { array, assert, boolean, constantFrom, integer, property, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { frameOf, readFrame } from '../../../core/sse-frame.ts';
import type { WovenTurn } from '../tool-dialect.ts';
import { ChatWeaver } from './chat-weaver.ts';

const isOffered = (tool: string): boolean => tool.startsWith('bmcp_');
const NOTHING = Buffer.alloc(0);
const DONE = frameOf({ name: '', data: '[DONE]' });

const frame = (fields: object): Buffer => frameOf({ name: '', data: JSON.stringify(fields) });
const chunk = (delta: object, fields: object = {}, id = 'chatcmpl-1'): Buffer =>
  frame({ id, created: 1, model: 'm', choices: [{ index: 0, delta, ...fields }] });
const role = (id?: string): Buffer => chunk({ role: 'assistant', content: '' }, {}, id);
const text = (content: string, id?: string): Buffer => chunk({ content }, {}, id);
const call = (index: number, id: string, name: string, json = ''): object => ({
  index,
  id,
  type: 'function',
  function: { name, arguments: json },
});
const pieces = (...tool_calls: readonly object[]): Buffer => chunk({ tool_calls });
const more = (index: number, json: string): Buffer =>
  pieces({ index, function: { arguments: json } });
const finish = (reason: string, id?: string): Buffer => chunk({}, { finish_reason: reason }, id);
const usage = (prompt_tokens: number, completion_tokens: number, id = 'chatcmpl-1'): Buffer =>
  frame({ id, choices: [], usage: { prompt_tokens, completion_tokens } });

interface Woven {
  readonly shown: Buffer;
  readonly turns: readonly WovenTurn[];
}

/** What the caller gets of these turns, and what each came to. */
function woven(...turns: readonly (readonly Buffer[])[]): Woven {
  const weaver = new ChatWeaver(isOffered);
  const shown: Buffer[] = [];
  const ended = turns.map((frames) => {
    for (const each of frames) shown.push(weaver.frame(each) ?? NOTHING);
    return weaver.endTurn();
  });
  return { shown: Buffer.concat([...shown, ended.at(-1)?.ending ?? NOTHING]), turns: ended };
}

interface Call {
  readonly index?: number;
  readonly id?: string;
  readonly function?: { readonly arguments?: string };
}
interface Delta {
  readonly role?: string;
  readonly content?: unknown;
  readonly tool_calls?: readonly Call[];
}
interface Chunk {
  readonly id: string;
  readonly choices: readonly { readonly delta: Delta; readonly finish_reason?: string | null }[];
  readonly usage?: { readonly completion_tokens: number };
}

/** The chunks as the caller reads them. */
function chunksOf(stream: Buffer): Chunk[] {
  return stream
    .toString()
    .split('\n\n')
    .map((each) => readFrame(Buffer.from(each))?.data ?? '')
    .filter((data) => data.startsWith('{'))
    .map((data) => JSON.parse(data));
}

const deltasOf = (stream: Buffer): Delta[] =>
  chunksOf(stream).flatMap(({ choices }) => choices.map(({ delta }) => delta));
const saidIn = ({ turns }: Woven, turn = 0): Delta => JSON.parse(String(turns[turn]?.said[0]));

describe('a turn without calls of the bridge’s tools stays byte for byte as it came', () => {
  test.each<[string, readonly Buffer[]]>([
    ['of text', [role(), text('a'), text('b'), finish('stop'), usage(1, 2), DONE]],
    [
      'with calls, comments, and what is not known',
      [
        Buffer.from(': hi\n\n'),
        frame({ id: '', choices: [], prompt_filter_results: [] }),
        chunk({ role: 'assistant', content: null, tool_calls: [call(1, 'c1', 'ls')] }),
        more(1, '{"a": 1.0}'),
        pieces(call(1, 'c2', 'ls', '{}'), { id: 'c3', function: { name: 'cat' } }),
        Buffer.from('data: no json\n\n'),
        chunk({ content: 'last' }, { finish_reason: 'tool_calls' }),
        Buffer.from(
          'event: later\r\ndata: {"choices": [ ],\r\ndata:  "n": 9007199254740993}\r\n\r\n',
        ),
        usage(1, 2),
        DONE,
      ],
    ],
    [
      'where a call is named late',
      [pieces({ index: 0, id: 'c' }), pieces(call(0, 'c', 'ls')), DONE],
    ],
    ['where a call is never named', [pieces({ index: 0, id: 'c' }), text('a'), DONE]],
    ['that says nothing of its end', [role(), text('a')]],
  ])('%s', (_, frames) => {
    const { shown, turns } = woven(frames);
    expect(shown.toString()).toBe(Buffer.concat(frames).toString());
    expect(turns).toMatchObject([{ calls: [], isLast: true }]);
  });

  test('and the calls in it are the caller’s', () => {
    const { turns } = woven([role(), pieces(call(0, 'c', 'ls')), finish('tool_calls'), DONE]);
    expect(turns[0]?.callersCalls).toEqual(['c']);
  });
});

describe('two turns', () => {
  const first = [
    role(),
    chunk({ reasoning_content: 'let ' }),
    chunk({ reasoning_content: 'me' }),
    text('I will '),
    text('look.'),
    pieces(call(0, 'c1', 'bmcp_files_read')),
    more(0, '{"path": "a", '),
    pieces(call(1, 'c2', 'bmcp_files_read')),
    more(0, '"n": 9007199254740993}'),
    finish('tool_calls'),
    usage(10, 7),
    DONE,
  ];
  const second = [
    role('chatcmpl-2'),
    text('done', 'chatcmpl-2'),
    finish('stop', 'chatcmpl-2'),
    usage(30, 11, 'chatcmpl-2'),
    DONE,
  ];
  const both = woven(first, second);

  test('are one answer with one start, one id and one end', () => {
    const deltas = deltasOf(both.shown);
    expect(deltas.filter((delta) => 'role' in delta)).toHaveLength(1);
    expect(new Set(chunksOf(both.shown).map(({ id }) => id))).toEqual(new Set(['chatcmpl-1']));
    expect(both.shown.toString().split('[DONE]')).toHaveLength(2);
    expect(both.shown.toString()).not.toContain('"tool_calls"');
    expect(deltas.map(({ content }) => content)).toEqual([
      '',
      undefined,
      undefined,
      'I will ',
      'look.',
      'done',
      undefined,
    ]);
  });

  test('and all that they cost is told once, at the end', () => {
    const told = chunksOf(both.shown).flatMap((each) => each.usage ?? []);
    expect(told).toEqual([{ prompt_tokens: 40, completion_tokens: 18 }]);
  });

  test('what was shown of the first has no changed byte', () => {
    const visible = Buffer.concat(first.slice(0, 5));
    expect(both.shown.subarray(0, visible.length).equals(visible)).toBe(true);
  });

  test('the first one calls two tools, with their input as the model wrote it', () => {
    const name = 'bmcp_files_read';
    expect(both.turns[0]).toMatchObject({
      isLast: false,
      calls: [
        { id: 'c1', name, input: '{"path": "a", "n": 9007199254740993}' },
        { id: 'c2', name, input: '{}' },
      ],
    });
  });

  test('and is said again as it was', () => {
    expect(both.turns[0]?.said.map(String)).toEqual([
      JSON.stringify({
        role: 'assistant',
        content: 'I will look.',
        reasoning_content: 'let me',
        tool_calls: [
          {
            id: 'c1',
            type: 'function',
            function: {
              name: 'bmcp_files_read',
              arguments: '{"path": "a", "n": 9007199254740993}',
            },
          },
          { id: 'c2', type: 'function', function: { name: 'bmcp_files_read', arguments: '{}' } },
        ],
      }),
    ]);
  });
});

const mixed = (...frames: readonly Buffer[]): Woven =>
  woven([role(), ...frames, finish('tool_calls'), DONE]);
const shownPieces = ({ shown }: Woven): Call[] =>
  deltasOf(shown).flatMap(({ tool_calls }) => tool_calls ?? []);

describe('a turn that calls tools of both', () => {
  test('is the last, and what is left of it is numbered without gaps', () => {
    const answer = mixed(
      pieces(call(0, 'c0', 'bmcp_a_b')),
      pieces(call(1, 'c1', 'ls')),
      more(1, '{}'),
      more(0, '{}'),
      pieces(call(2, 'c2', 'bmcp_a_b', '{}')),
      pieces(call(3, 'c3', 'cat', '{}')),
    );
    expect(answer.turns[0]).toMatchObject({
      isLast: true,
      calls: [{ id: 'c0' }, { id: 'c2' }],
      callersCalls: ['c1', 'c3'],
    });
    expect(shownPieces(answer).map(({ index, id }) => [index, id])).toEqual([
      [0, 'c1'],
      [0, undefined],
      [1, 'c3'],
    ]);
    expect(saidIn(answer).tool_calls).toHaveLength(4);
  });

  test('never has two calls in one place, wherever the vendor begins to count', () => {
    const answer = mixed(
      pieces(call(1, 'c1', 'ls', '{}')),
      pieces(call(2, 'c2', 'bmcp_a_b', '{}')),
      pieces(call(3, 'c3', 'ls', '{}')),
    );
    expect(shownPieces(answer).map(({ index }) => index)).toEqual([1, 2]);
  });

  test('may have them in one chunk, which keeps all else that it says', () => {
    const answer = mixed(
      chunk({
        content: 'x',
        later: 1,
        tool_calls: [call(0, 'c0', 'bmcp_a_b', '{}'), call(1, 'c1', 'ls', '{"a": 1}')],
      }),
    );
    expect(deltasOf(answer.shown)[1]).toEqual({
      content: 'x',
      later: 1,
      tool_calls: [call(0, 'c1', 'ls', '{"a": 1}')],
    });
  });

  test.each([
    ['that all have index 0', { index: 0 }],
    ['without an index', {}],
  ])('tells calls %s apart by their ids', (_, place) => {
    const one = (id: string, name: string): Buffer =>
      pieces({ ...place, id, function: { name, arguments: '{}' } });
    const answer = mixed(one('c0', 'bmcp_a_b'), one('c1', 'ls'), one('c2', 'bmcp_a_b'));
    expect(answer.turns[0]).toMatchObject({
      calls: [{ id: 'c0' }, { id: 'c2' }],
      callersCalls: ['c1'],
    });
    expect(shownPieces(answer).map(({ id }) => id)).toEqual(['c1']);
  });

  test('cannot be found again by a call without an id, and is the last all the same', () => {
    const answer = mixed(
      pieces(call(0, 'c0', 'bmcp_a_b')),
      pieces({ index: 1, function: { name: 'ls', arguments: '{}' } }),
    );
    expect(answer.turns[0]).toMatchObject({ isLast: true, callersCalls: [] });
  });
});

const ours = (delta: object = {}, fields: object = {}): Buffer =>
  chunk({ ...delta, tool_calls: [call(0, 'c0', 'bmcp_a_b', '{}')] }, fields);

/** What is in one chunk: a text, and pieces of one of five calls. */
const someDelta = record({
  content: constantFrom('', 'a', 'b'),
  call: integer({ min: 0, max: 4 }),
  hasPiece: boolean(),
});

const textIn = (deltas: readonly Delta[]): unknown => deltas.map(({ content }) => content).join('');

/** The calls as a client puts them together from their pieces. */
function assembled(deltas: readonly Delta[]): { id: string; arguments: string }[] {
  const calls: { id: string; arguments: string }[] = [];
  for (const { index = -1, id, function: called } of deltas.flatMap(
    (each) => each.tool_calls ?? [],
  )) {
    const known = calls[index];
    if (known === undefined) calls[index] = { id: id ?? '', arguments: called?.arguments ?? '' };
    else known.arguments += called?.arguments ?? '';
  }
  return calls;
}

test('whatever a turn is made of, its text and the caller’s calls arrive, and no other', () => {
  assert(
    property(
      array(someDelta),
      array(boolean(), { minLength: 5, maxLength: 5 }),
      (parts, isOurs) => {
        const indexes = new Map<number, number>();
        const deltas = parts.map(({ content, call: number, hasPiece }, at) => {
          if (!hasPiece) return { content };
          const isNew = !indexes.has(number);
          const index = indexes.get(number) ?? indexes.size;
          indexes.set(number, index);
          const begun = call(index, `c${number}`, isOurs[number] ? 'bmcp_a_b' : 'ls', `${at};`);
          const goesOn = { index, function: { arguments: `${at};` } };
          return { content, tool_calls: [isNew ? begun : goesOn] };
        });
        const last = deltas.at(-1);
        const frames = [
          role(),
          ...deltas.slice(0, -1).map((delta) => chunk(delta)),
          chunk(last ?? {}, { finish_reason: 'tool_calls' }),
        ];
        const answer = woven([...frames, usage(1, 1), DONE]);
        const { isLast, calls = [], callersCalls } = answer.turns[0] ?? {};

        const isShown = ({ id }: { id: string }): boolean => !isOurs[Number(id.slice(1))];
        const all = assembled(deltas);
        const shown = isLast ? deltasOf(answer.shown) : deltasOf(woven(frames, []).shown);
        expect(assembled(shown)).toEqual(all.filter(isShown));
        expect(callersCalls).toEqual(all.filter(isShown).map(({ id }) => id));
        expect(calls.map(({ id, input }) => ({ id, arguments: input }))).toEqual(
          all.filter((each) => !isShown(each)),
        );
        expect(textIn(shown)).toBe(textIn(deltas));
        expect(deltasOf(answer.shown).filter((delta) => 'role' in delta)).toHaveLength(1);
      },
    ),
  );
});

describe('what ends a turn', () => {
  const later = [role('2'), text('done', '2'), finish('stop', '2'), DONE];

  test.each<[string, readonly Buffer[]]>([
    ['says so with its call', [ours({ role: 'assistant' }, { finish_reason: 'tool_calls' }), DONE]],
    ['says `stop`', [ours({ role: 'assistant' }), finish('stop'), DONE]],
    ['says nothing', [ours({ role: 'assistant', content: null }), DONE]],
  ])('and %s: the call is made, and the answer has a beginning', (_, first) => {
    const { shown, turns } = woven(first, later);
    expect(turns[0]).toMatchObject({ isLast: false, calls: [{ id: 'c0', input: '{}' }] });
    const deltas = deltasOf(shown);
    expect(deltas[0]).toMatchObject({ role: 'assistant' });
    expect(deltas.slice(1)).toEqual([{ content: 'done' }, {}]);
  });

  test.each(['length', 'content_filter'])('by %s: no call was made', (reason) => {
    const { shown, turns } = woven([role(), ours(), finish(reason), DONE]);
    expect(turns[0]).toMatchObject({ calls: [], isLast: true });
    expect(shown.toString()).not.toContain('bmcp');
  });

  test('with text in its last chunk: the text is not lost, and nothing is finished', () => {
    const last = chunk({ content: 'wait' }, { finish_reason: 'tool_calls' });
    const { shown } = woven([role(), ours(), last, usage(1, 1), DONE], later);
    expect(deltasOf(shown).map(({ content }) => content)).toEqual(['', 'wait', 'done', undefined]);
    const reasons = chunksOf(shown).flatMap(({ choices }) => choices[0]?.finish_reason ?? []);
    expect(reasons).toEqual(['stop']);
  });

  test('with a call of the caller’s in its last chunk: it is shown once', () => {
    const both = chunk(
      { tool_calls: [call(0, 'c0', 'bmcp_a_b', '{}'), call(1, 'c1', 'ls', '{}')] },
      { finish_reason: 'tool_calls', logprobs: { content: [] } },
    );
    const { shown, turns } = woven([role(), both, DONE]);
    expect(turns[0]).toMatchObject({ isLast: true, callersCalls: ['c1'] });
    expect(chunksOf(shown).map(({ choices }) => choices[0])).toMatchObject([
      { delta: { role: 'assistant' } },
      { delta: { tool_calls: [{ index: 0, id: 'c1' }] }, finish_reason: null },
      { delta: {}, finish_reason: 'tool_calls' },
    ]);
  });

  test('is kept until it is known what follows', () => {
    const weaver = new ChatWeaver(isOffered);
    for (const each of [finish('stop'), Buffer.from(': hi\n\n'), usage(1, 1), DONE]) {
      expect(weaver.frame(each)).toBeUndefined();
    }
    expect(weaver.endTurn().ending.toString()).toContain(': hi\n\n');
  });

  test('but an error is told at once', () => {
    const weaver = new ChatWeaver(isOffered);
    weaver.frame(finish('stop'));
    const error = frame({ error: { message: 'no' } });
    expect(weaver.frame(error)?.equals(error)).toBe(true);
  });
});

const counting = (content: string, count: number, id?: string): Buffer =>
  frame({
    id,
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
    usage: { prompt_tokens: 5, completion_tokens: count, prompt_tokens_details: { a: 1 } },
  });

describe('what it costs', () => {
  test('is counted along with the turns before', () => {
    const { shown } = woven(
      [role(), counting('a', 1), pieces(call(0, 'c', 'bmcp_a_b', '{}')), usage(5, 3), DONE],
      [role('2'), counting('b', 1, '2'), counting('c', 2, '2'), finish('stop', '2'), DONE],
    );
    const told = chunksOf(shown).flatMap((each) => each.usage?.completion_tokens ?? []);
    expect(told).toEqual([1, 4, 5]);
    expect(chunksOf(shown).at(-2)?.usage).toEqual({
      prompt_tokens: 10,
      completion_tokens: 5,
      prompt_tokens_details: { a: 1 },
    });
  });

  test('is told by a chunk after the end that says nothing else', () => {
    const last = frame({
      id: '2',
      choices: [{ index: 0, delta: { role: 'assistant', content: '' } }],
      usage: { prompt_tokens: 1, completion_tokens: 1 },
    });
    const { shown } = woven(
      [role(), pieces(call(0, 'c', 'bmcp_a_b', '{}')), finish('tool_calls'), last, DONE],
      [role('2'), text('x', '2'), finish('stop', '2'), last, DONE],
    );
    expect(chunksOf(shown).flatMap((each) => each.usage ?? [])).toEqual([
      { prompt_tokens: 2, completion_tokens: 2 },
    ]);
  });
});

describe('a call', () => {
  test('is not shown before it is known whose it is', () => {
    const weaver = new ChatWeaver(isOffered);
    expect(weaver.frame(pieces({ index: 0, id: 'c' }))).toBeUndefined();
    expect(weaver.frame(text('meanwhile'))).toBeUndefined();
    const shown = weaver.frame(pieces({ index: 0, function: { name: 'bmcp_a_b' } }));
    expect(deltasOf(shown ?? NOTHING)).toEqual([{ content: 'meanwhile' }]);
  });

  test('that says nothing at all is none', () => {
    const answer = woven([
      role(),
      pieces({ index: 0 }),
      pieces(call(1, 'c', 'bmcp_a_b')),
      finish('tool_calls'),
      DONE,
    ]);
    expect(answer.turns[0]).toMatchObject({ isLast: false, calls: [{ id: 'c' }] });
    expect(saidIn(answer).tool_calls).toHaveLength(1);
  });

  test('without an id gets one, in what is said as in what is called', () => {
    const one = pieces({ index: 0, id: '', function: { name: 'bmcp_a_b', arguments: '{}' } });
    const turn = [role(), one, finish('stop'), DONE];
    const answer = woven(turn, turn);
    const ids = answer.turns.map(({ calls }) => calls[0]?.id);
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id).toMatch(/^[a-z0-9]{9}$/);
    expect(saidIn(answer, 1).tool_calls?.[0]?.id).toBe(ids[1]);
  });

  test('is said again with what vendors add to it', () => {
    const extra = { extra_content: { google: { thought_signature: 'c2ln' } } };
    const custom = { index: 1, id: 'c2', type: 'custom', custom: { name: 'sql', input: 'SEL' } };
    const answer = woven([
      pieces({ ...call(0, 'c1', 'bmcp_a_b', 'no json'), ...extra }),
      pieces(custom),
      pieces({ index: 1, custom: { input: 'ECT' } }),
      finish('tool_calls'),
      DONE,
    ]);
    expect(saidIn(answer).tool_calls).toEqual([
      {
        id: 'c1',
        type: 'function',
        function: { name: 'bmcp_a_b', arguments: 'no json' },
        ...extra,
      },
      { id: 'c2', type: 'custom', custom: { name: 'sql', input: 'SELECT' } },
    ]);
  });
});

test('thoughts are said again as they were, in whichever way the vendor tells them', () => {
  const detail = (fields: object): Buffer =>
    chunk({ reasoning_details: [{ type: 'reasoning.text', index: 0, ...fields }] });
  const answer = woven([
    chunk({ role: 'assistant', reasoning: 'let ', refusal: null }),
    chunk({ reasoning: 'me' }),
    detail({ text: 'let ' }),
    detail({ text: 'me' }),
    detail({ signature: 'c2ln' }),
    chunk({ reasoning_details: [{ type: 'reasoning.encrypted', data: 'x' }] }),
    chunk({ content: [{ type: 'thinking', thinking: [] }] }),
    text('so'),
    pieces(call(0, 'c', 'bmcp_a_b')),
    finish('tool_calls'),
  ]);
  expect(saidIn(answer)).toMatchObject({
    content: [
      { type: 'thinking', thinking: [] },
      { type: 'text', text: 'so' },
    ],
    reasoning: 'let me',
    reasoning_details: [
      { type: 'reasoning.text', index: 0, text: 'let me', signature: 'c2ln' },
      { type: 'reasoning.encrypted', data: 'x' },
    ],
  });
});

test('frames with their data in several lines are edited like others', () => {
  const lines = Buffer.from('data: {"id": "2",\r\ndata: "choices": []}\r\n\r\n');
  const { shown } = woven([role(), pieces(call(0, 'c', 'bmcp_a_b')), DONE], [lines]);
  expect(shown.toString()).toContain('data: {"id": "chatcmpl-1", "choices": []}\r\n\r\n');
});

/** Of the processor: the clock also counts what others make the test wait. */
function weavesCallsInUs(count: number): number {
  const frames = Array.from({ length: count }, (_, index) =>
    pieces(call(index, `c${index}`, index % 2 === 0 ? 'bmcp_a_b' : 'ls', '{}')),
  );
  const before = process.cpuUsage();
  woven(frames);
  return process.cpuUsage(before).user;
}

// One who calls tools without end must not hold up everybody else.
test('ten times the pieces take about ten times as long', () => {
  const few = Math.max(weavesCallsInUs(500), weavesCallsInUs(500));
  expect(weavesCallsInUs(5_000)).toBeLessThan(30 * few);
});

interface Answer {
  readonly choices: readonly [{ readonly message: Delta }];
}

const body = (message: object, fields: object = {}): Buffer =>
  Buffer.from(
    JSON.stringify(
      {
        id: 'chatcmpl-1',
        choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 1, completion_tokens: 2 },
        ...fields,
      },
      null,
      1,
    ),
  );
const whole = (id: string, name: string, json = '{}'): object => ({
  id,
  type: 'function',
  function: { name, arguments: json },
});
const weave = (...bodies: readonly Buffer[]): Woven & { readonly answer: Answer } => {
  const weaver = new ChatWeaver(isOffered);
  const turns = bodies.map((json) => {
    weaver.body(json, JSON.parse(json.toString()));
    return weaver.endTurn();
  });
  const shown = turns.at(-1)?.ending ?? NOTHING;
  return { shown, turns, answer: JSON.parse(shown.toString()) };
};

describe('whole answers', () => {
  test('of one turn stay as they came', () => {
    const json = body({ content: 'x', tool_calls: [whole('c', 'ls', '{"a": 1.0}')] });
    const { shown, turns } = weave(json);
    expect(shown).toBe(json);
    expect(turns[0]).toMatchObject({ isLast: true, calls: [], callersCalls: ['c'] });
  });

  test('of several turns are one', () => {
    const { answer, turns } = weave(
      body({ content: 'I "will" ', tool_calls: [whole('c1', 'bmcp_a_b', '{"a": 1}')] }),
      body({ content: null, tool_calls: [whole('c2', 'bmcp_a_b', '')] }),
      body({ content: 'done\n', refusal: null }, { id: '3', service_tier: 'x' }),
    );
    expect(turns.slice(0, 2)).toMatchObject([
      { isLast: false, calls: [{ id: 'c1', input: '{"a": 1}' }] },
      { isLast: false, calls: [{ id: 'c2', input: '{}' }] },
    ]);
    expect(answer).toEqual({
      id: 'chatcmpl-1',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'I "will" done\n', refusal: null },
          finish_reason: 'stop',
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 6 },
      service_tier: 'x',
    });
  });

  test('of which one has its text in parts have it all in parts', () => {
    const part = { type: 'text', text: 'b' };
    const { answer } = weave(
      body({ content: 'a', tool_calls: [whole('c1', 'bmcp_a_b')] }),
      body({ content: [part] }),
    );
    expect(answer.choices[0].message.content).toEqual([{ type: 'text', text: 'a' }, part]);
  });

  test('that say nothing say so', () => {
    const { answer } = weave(
      body({ content: null, tool_calls: [whole('c1', 'bmcp_a_b')] }),
      body({ content: null }),
    );
    expect(answer.choices[0].message.content).toBeNull();
  });

  test('of a mixed turn show the caller its own calls', () => {
    const calls = [whole('c1', 'bmcp_a_b'), whole('c2', 'ls', '{"a": 1.0}'), whole('', 'bmcp_a_b')];
    const answer = weave(body({ content: null, tool_calls: calls }));
    expect(answer.answer.choices[0].message.tool_calls).toEqual([calls[1]]);
    expect(answer.turns[0]).toMatchObject({
      isLast: true,
      calls: [{ id: 'c1' }, { id: 'call00001' }],
      callersCalls: ['c2'],
    });
    expect(saidIn(answer).tool_calls).toHaveLength(3);
  });

  test('that put text and calls into choices of their own are read as one message', () => {
    const choices = [
      { message: { role: 'assistant', content: 'I will look.' }, finish_reason: 'tool_calls' },
      {
        message: { role: 'assistant', tool_calls: [whole('c1', 'bmcp_a_b')] },
        finish_reason: 'tool_calls',
      },
    ];
    const answer = weave(body({}, { choices }), body({ content: ' Done.' }));
    expect(saidIn(answer)).toMatchObject({ content: 'I will look.', tool_calls: [{ id: 'c1' }] });
    expect(answer.answer.choices[0].message.content).toBe('I will look. Done.');
  });

  test('that were cut off call nothing, and show nothing of it', () => {
    const message = { role: 'assistant', content: null, tool_calls: [whole('c1', 'bmcp_a_b')] };
    const choices = [{ index: 0, message, finish_reason: 'length' }];
    const { answer, turns } = weave(body({}, { choices }));
    expect(turns[0]).toMatchObject({ calls: [], isLast: true });
    expect(answer.choices[0].message).toEqual({ role: 'assistant', content: null });
  });
});
