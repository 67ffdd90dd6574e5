import { describe, expect, test } from 'vitest';
import type { Findings } from '../api.ts';
import { Gaps } from '../gaps.ts';
import { ChatStreamReader } from './chat-stream.ts';

/** What is found in these chunks; a string is sent as it is. */
function read(...chunks: readonly unknown[]): Findings {
  const reader = new ChatStreamReader(new Gaps(), 1);
  for (const chunk of chunks) {
    const data = typeof chunk === 'string' ? chunk : JSON.stringify(chunk);
    reader.event({ name: '', data });
  }
  return reader.findings();
}

const delta = (fields: object, index = 0): object => ({
  id: 'chatcmpl-1',
  choices: [{ index, delta: fields, finish_reason: null }],
  usage: null,
});
const piece = (fields: object, index = 0): object => delta({ tool_calls: [fields] }, index);
const finish = (index = 0, reason = 'tool_calls'): object => ({
  choices: [{ index, delta: {}, finish_reason: reason }],
});

test('only [DONE] ends a stream', () => {
  const reader = new ChatStreamReader(new Gaps(), 1);
  expect(reader.event({ name: '', data: JSON.stringify(finish(0, 'stop')) })).toBe(false);
  expect(reader.event({ name: '', data: '[DONE]' })).toBe(true);
});

test('the id is the first that is not empty', () => {
  expect(read({ id: '', choices: [] }, { id: 'x' }, { id: 'y' }).messageId).toBe('x');
});

describe('tool calls', () => {
  test('of a parallel stream are all found, each with its own input', () => {
    const { tools } = read(
      piece({ index: 0, id: 'c0', type: 'function', function: { name: 'ls', arguments: '' } }),
      piece({ index: 1, id: 'c1', type: 'function', function: { name: 'cat', arguments: '' } }),
      piece({ index: 1, function: { arguments: '{"f":' } }),
      piece({ index: 0, function: { arguments: '{}' } }),
      piece({ index: 1, function: { arguments: '1}' } }),
      finish(),
    );
    expect(tools).toEqual([
      { toolCallId: 'c0', tool: 'ls', input: '{}' },
      { toolCallId: 'c1', tool: 'cat', input: '{"f":1}' },
    ]);
  });

  test('of several choices are kept apart', () => {
    const { tools } = read(
      piece({ index: 0, id: 'a', function: { name: 'ls', arguments: '1' } }, 0),
      piece({ index: 0, id: 'b', function: { name: 'ls', arguments: '2' } }, 1),
      finish(0),
      finish(1),
    );
    expect(tools.map(({ toolCallId }) => toolCallId)).toEqual(['a', 'b']);
  });

  test('may all be in the chunk that finishes them', () => {
    const call = { index: 0, id: 'c0', function: { name: 'ls', arguments: '{}' } };
    const chunk = { choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: 'stop' }] };
    expect(read(chunk).tools).toEqual([{ toolCallId: 'c0', tool: 'ls', input: '{}' }]);
  });

  test.each([
    ['without an index', {}],
    ['that all have index 0', { index: 0 }],
  ])('%s are told apart by their ids', (_, place) => {
    const call = (id: string): object => ({
      ...place,
      id,
      function: { name: id, arguments: '{}' },
    });
    const { tools } = read(piece(call('a')), piece(call('b')), finish());
    expect(tools.map(({ toolCallId }) => toolCallId)).toEqual(['a', 'b']);
  });

  test('may be of custom tools, and of the API’s older kind', () => {
    expect(
      read(
        piece({ index: 0, id: 'c', type: 'custom', custom: { name: 'sql', input: '' } }),
        piece({ index: 0, custom: { input: 'SELECT' } }),
        finish(),
      ).tools,
    ).toEqual([{ toolCallId: 'c', tool: 'sql', input: 'SELECT' }]);
    expect(
      read(
        delta({ function_call: { name: 'old', arguments: '' } }),
        delta({ function_call: { arguments: '{}' } }),
        finish(0, 'function_call'),
      ).tools,
    ).toEqual([{ toolCallId: null, tool: 'old', input: '{}' }]);
  });

  test('that were cut off were never made', () => {
    const { tools } = read(
      piece({ index: 0, id: 'c0', function: { name: 'ls', arguments: '{}' } }),
      piece({ index: 1, id: 'c1', function: { name: 'cat', arguments: '{"f"' } }),
    );
    expect(tools.map(({ tool }) => tool)).toEqual(['ls']);
  });
});

test('a thought is found whole, and as far as it came', () => {
  const thinking = [delta({ reasoning_content: 'let me ' }), delta({ reasoning: 'see' })];
  expect(read(...thinking).thoughts).toEqual([{ source: 'thinking', text: 'let me see' }]);
});

test('the last usage that says something counts', () => {
  const counts = [{ completion_tokens: 1 }, { completion_tokens: 7 }, null];
  const { usage } = read(...counts.map((count) => ({ choices: [], usage: count })));
  expect(usage).toMatchObject({ output: 7 });
});

test('an error is found, and `error: null` is none', () => {
  expect(read({ error: null }).error).toBeUndefined();
  expect(read({ error: { message: 'no', code: 'x' } }).error).toMatchObject({ code: 'x' });
});

const said = (index = 0): object => ({ choices: [{ index, delta: { content: 'hi' } }] });
const HEAD = { id: 'a', model: 'm', choices: [] };

function gapsIn(data: string): readonly string[] {
  const gaps = new Gaps();
  const reader = new ChatStreamReader(gaps, 1);
  reader.event({ name: '', data: JSON.stringify(HEAD) });
  reader.event({ name: '', data });
  return gaps.notes;
}

describe('a piece of text', () => {
  const text = JSON.stringify(said());

  test('is not even parsed', () => {
    expect(gapsIn(text.replace('{', '{ no JSON '))).toEqual([]);
  });

  test('that does not end like a chunk is', () => {
    expect(gapsIn(text.slice(0, -2))).toEqual(['a chunk is not a JSON object']);
  });

  test('does not hide what stands beside it', () => {
    expect(gapsIn(text.replace('{', '{ no JSON "tool_calls"'))).toHaveLength(1);
  });
});

function isFinished(choicesAsked: number, ...chunks: readonly object[]): boolean {
  const reader = new ChatStreamReader(new Gaps(), choicesAsked);
  for (const chunk of [HEAD, ...chunks]) reader.event({ name: '', data: JSON.stringify(chunk) });
  return reader.isFinished;
}

describe('an answer is finished', () => {
  test('when its one choice has a finish_reason', () => {
    expect(isFinished(1, said())).toBe(false);
    expect(isFinished(1, said(), finish(0, 'stop'))).toBe(true);
  });

  test('when each choice has one, be it of text alone', () => {
    expect(isFinished(1, said(), said(1), finish(0))).toBe(false);
    expect(isFinished(1, said(), said(1), finish(0), finish(1))).toBe(true);
  });

  test('when there are as many as were asked for', () => {
    expect(isFinished(2, said(), finish(0))).toBe(false);
    expect(isFinished(2, said(), finish(0), said(1), finish(1))).toBe(true);
  });
});

test('a tool call is kept, and noted, when [DONE] comes before its finish_reason', () => {
  const gaps = new Gaps();
  const reader = new ChatStreamReader(gaps, 1);
  const call = piece({ index: 0, id: 'c0', function: { name: 'ls', arguments: '{}' } });
  for (const data of [JSON.stringify(call), '[DONE]']) reader.event({ name: '', data });
  reader.end();
  expect(reader.findings().tools).toHaveLength(1);
  expect(gaps.notes).toEqual(['a choice with tool calls has no finish_reason']);
});

function readsCallsInMs(calls: number): number {
  const chunks = Array.from({ length: calls }, (_, index) =>
    JSON.stringify(piece({ index, id: `c${index}`, function: { name: 'f', arguments: '{}' } })),
  );
  const startedMs = performance.now();
  expect(read(...chunks, finish()).tools).toHaveLength(calls);
  return performance.now() - startedMs;
}

// One who calls tools without end must not hold up everybody else.
test('ten times the tool calls take about ten times as long', () => {
  const few = Math.max(readsCallsInMs(3_000), readsCallsInMs(3_000));
  expect(readsCallsInMs(30_000)).toBeLessThan(30 * few);
});
