import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../core/json.ts';
import { Gaps } from '../gaps.ts';
import { MessagesStreamReader } from './messages-stream.ts';

type Event = JsonObject & { readonly type: string };

function readerOf(...events: readonly Event[]): MessagesStreamReader {
  return readerWith(new Gaps(), ...events);
}

function readerWith(gaps: Gaps, ...events: readonly Event[]): MessagesStreamReader {
  const reader = new MessagesStreamReader(gaps);
  for (const event of events) reader.event({ name: event.type, data: JSON.stringify(event) });
  return reader;
}

function begin(index: number, content_block: object): Event {
  return { type: 'content_block_start', index, content_block };
}

function delta(index: number, fields: object): Event {
  return { type: 'content_block_delta', index, delta: fields };
}

function stop(index: number): Event {
  return { type: 'content_block_stop', index };
}

function finish(stop_reason: string | null): Event {
  return { type: 'message_delta', delta: { stop_reason } };
}

const tool = (id: string): object => ({ type: 'tool_use', id, name: 'ls', input: {} });
const json = (partial_json: string): object => ({ type: 'input_json_delta', partial_json });
const thinking = (text: string): object => ({ type: 'thinking_delta', thinking: text });

test('only `message_stop` ends a stream', () => {
  const ends = ['message_start', 'message_delta', 'ping', 'error', 'message_stop'].filter((name) =>
    new MessagesStreamReader(new Gaps()).event({ name, data: '{}' }),
  );
  expect(ends).toEqual(['message_stop']);
});

test('a `message_stop` that broke off is none', () => {
  expect(
    new MessagesStreamReader(new Gaps()).event({ name: 'message_stop', data: '{"type":' }),
  ).toBe(false);
});

test('an answer with a stop_reason is finished, though nothing says that it ends', () => {
  expect(readerOf(finish(null)).isFinished).toBe(false);
  expect(readerOf(finish('end_turn')).isFinished).toBe(true);
});

test('the id and the usage come from the start and the deltas', () => {
  const { messageId, usage } = readerOf(
    {
      type: 'message_start',
      message: { id: 'msg_1', usage: { input_tokens: 9, output_tokens: 1 } },
    },
    { type: 'message_delta', usage: { output_tokens: 5 } },
  ).findings();
  expect(messageId).toBe('msg_1');
  expect(usage).toMatchObject({ input: 9, output: 5 });
});

describe('tools', () => {
  test('are put together from their pieces, also when these come in turns', () => {
    const { tools } = readerOf(
      begin(1, tool('t1')),
      begin(2, tool('t2')),
      delta(1, json('{"a"')),
      delta(2, json('{}')),
      delta(1, json(':1}')),
      stop(2),
      stop(1),
    ).findings();
    expect(tools).toEqual([
      { toolCallId: 't2', tool: 'ls', input: '{}' },
      { toolCallId: 't1', tool: 'ls', input: '{"a":1}' },
    ]);
  });

  test('without pieces have the input they began with', () => {
    expect(readerOf(begin(0, tool('t1')), stop(0)).findings().tools).toMatchObject([
      { input: '{}' },
    ]);
  });

  test('that a whole answer never closed are kept, and noted', () => {
    const gaps = new Gaps();
    const reader = readerWith(gaps, begin(0, tool('t1')), delta(0, json('{"a":1}')), {
      type: 'message_delta',
      delta: { stop_reason: 'tool_use' },
    });
    reader.end();
    expect(reader.findings().tools).toEqual([{ toolCallId: 't1', tool: 'ls', input: '{"a":1}' }]);
    expect(gaps.notes).toEqual(['a tool call was never closed']);
  });

  test('that were cut off were never called', () => {
    expect(readerOf(begin(0, tool('t1')), delta(0, json('{'))).findings().tools).toEqual([]);
  });
});

test.each([
  ['whole', [stop(0)]],
  ['as far as it came', []],
])('a thought is found %s', (_, end) => {
  const events = [
    begin(0, { type: 'thinking', thinking: '' }),
    delta(0, thinking('let ')),
    delta(0, thinking('me')),
  ];
  const { thoughts } = readerOf(...events, ...end).findings();
  expect(thoughts).toEqual([{ source: 'thinking', text: 'let me' }]);
});

test.each([
  [
    'its words',
    '{"type":"error","error":{"type":"overloaded_error","message":"x"}}',
    'overloaded_error',
  ],
  ['none that can be read', 'no JSON', ''],
])('an error is found with %s', (_, data, type) => {
  const reader = new MessagesStreamReader(new Gaps());
  reader.event({ name: 'error', data });
  expect(reader.findings().error).toMatchObject({ type });
});

test.each(['message_start', 'content_block_start', 'content_block_delta', 'message_delta'])(
  'a broken %s does no harm, and is noted',
  (name) => {
    const gaps = new Gaps();
    const reader = new MessagesStreamReader(gaps);
    for (const data of ['no JSON', '[]', 'null', '{}']) reader.event({ name, data });
    expect(gaps.notes[0]).toBe(`${name} is not a JSON object (3 times)`);
    expect(reader.findings()).toMatchObject({ messageId: null, usage: undefined, tools: [] });
  },
);
