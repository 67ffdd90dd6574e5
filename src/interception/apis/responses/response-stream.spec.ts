import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../core/json.ts';
import { Gaps } from '../gaps.ts';
import { ResponseStreamReader } from './response-stream.ts';

type Event = JsonObject & { readonly type: string };

function readerOf(...events: readonly Event[]): ResponseStreamReader {
  const reader = new ResponseStreamReader(new Gaps());
  for (const event of events) reader.event({ name: event.type, data: JSON.stringify(event) });
  return reader;
}

const CREATED = { type: 'response.created', response: { id: 'resp_1', usage: null } };
const CALL = { type: 'function_call', call_id: 'c1', name: 'ls', arguments: '{}' };
const FOUND_CALL = { toolCallId: 'c1', tool: 'ls', input: '{}' };
const USAGE = { input_tokens: 5, output_tokens: 7 };

function done(item: object, output_index = 0): Event {
  return { type: 'response.output_item.done', output_index, item };
}

function last(type: string, response: object = {}): Event {
  return { type, response: { id: 'resp_1', usage: USAGE, output: [CALL], ...response } };
}

function summary(delta: string, summary_index: number): Event {
  return { type: 'response.reasoning_summary_text.delta', output_index: 0, summary_index, delta };
}

function said(delta: string, output_index: number): Event {
  return { type: 'response.output_text.delta', output_index, content_index: 0, delta };
}

describe('the last event', () => {
  test.each(['response.completed', 'response.incomplete', 'response.failed'])(
    '%s ends the stream and says what was used',
    (type) => {
      const reader = readerOf(CREATED);
      expect(reader.event({ name: type, data: JSON.stringify(last(type)) })).toBe(true);
      expect(reader.findings()).toMatchObject({
        messageId: 'resp_1',
        usage: { input: 5, output: 7 },
        tools: [FOUND_CALL],
      });
      expect(reader.findings().error !== undefined).toBe(type === 'response.failed');
    },
  );

  test('is known by its data where the event has no name', () => {
    const reader = readerOf();
    const data = JSON.stringify(last('response.completed'));
    expect(reader.event({ name: '', data })).toBe(true);
    expect(reader.findings().usage).toMatchObject({ output: 7 });
  });

  test('that cannot be read is none', () => {
    expect(readerOf(CREATED).event({ name: 'response.completed', data: '{' })).toBe(false);
  });

  test('that leaves out the output takes nothing from what came before it', () => {
    const { tools } = readerOf(
      CREATED,
      done(CALL),
      last('response.completed', { output: [] }),
    ).findings();
    expect(tools).toEqual([FOUND_CALL]);
  });

  test('does not count the items twice', () => {
    const { tools } = readerOf(CREATED, done(CALL), last('response.completed')).findings();
    expect(tools).toEqual([FOUND_CALL]);
  });
});

test.each([
  ['flat', { code: 'rate_limit_exceeded', message: 'slow down' }],
  ['nested', { error: { code: 'rate_limit_exceeded', message: 'slow down' } }],
  ['empty', {}],
])('an error event is an error and ends the stream: %s', (_, fields) => {
  const reader = new ResponseStreamReader(new Gaps());
  const data = JSON.stringify({ type: 'error', ...fields });
  expect(reader.event({ name: 'error', data })).toBe(true);
  expect(reader.findings().error).toBeDefined();
});

describe('a stream that goes wrong is ended as failed', () => {
  const error = {
    code: 'upstream_truncated',
    message: 'It broke off.',
    interceptionId: 'i1',
    envelope: {},
  } as const;
  const failureOf = (reader: ResponseStreamReader): unknown => {
    const frame = reader.inBandError(error);
    expect(frame).toMatch(/^event: response\.failed\ndata: .*\n\n$/);
    return JSON.parse(frame.slice(frame.indexOf('{')));
  };

  test('with the id and the model of the response, and the next number', () => {
    const reader = readerOf(
      { ...CREATED, response: { id: 'resp_1', model: 'gpt-5-2025' }, sequence_number: 7 },
      { type: 'response.output_text.delta', sequence_number: 8, delta: '"sequence_number":99,' },
    );
    expect(failureOf(reader)).toMatchObject({
      type: 'response.failed',
      sequence_number: 9,
      response: {
        id: 'resp_1',
        object: 'response',
        status: 'failed',
        model: 'gpt-5-2025',
        error: { code: 'upstream_truncated', message: 'It broke off.' },
      },
    });
  });

  test('also when it broke off within a number', () => {
    const reader = readerOf({ ...CREATED, sequence_number: 12 });
    reader.event({ name: 'response.output_text.delta', data: '{"sequence_number":1' });
    expect(failureOf(reader)).toMatchObject({ sequence_number: 13 });
  });

  test('also when nothing of it could be read', () => {
    expect(failureOf(readerOf())).toMatchObject({
      sequence_number: 0,
      response: { id: 'resp_i1' },
    });
  });
});

describe('of a stream that is cut off', () => {
  test('the items that were whole are found', () => {
    expect(readerOf(CREATED, done(CALL)).findings()).toMatchObject({
      messageId: 'resp_1',
      usage: undefined,
      tools: [FOUND_CALL],
    });
  });

  test('a thought is found as far as it came', () => {
    const reader = readerOf(CREATED, summary('let ', 0), summary('me', 0), summary('then', 1));
    expect(reader.findings().thoughts).toEqual([
      { source: 'reasoning_summary', text: 'let me' },
      { source: 'reasoning_summary', text: 'then' },
    ]);
  });

  test('a thought that was whole is not found twice', () => {
    const item = { type: 'reasoning', summary: [{ text: 'let me' }] };
    const { thoughts } = readerOf(CREATED, summary('let me', 0), done(item)).findings();
    expect(thoughts).toEqual([{ source: 'reasoning_summary', text: 'let me' }]);
  });

  test('commentary is told apart from the answer', () => {
    const message = { type: 'message', role: 'assistant' };
    const added = (output_index: number, fields: object): Event => ({
      type: 'response.output_item.added',
      output_index,
      item: { ...message, ...fields },
    });
    const { thoughts } = readerOf(
      CREATED,
      added(0, { phase: 'commentary' }),
      added(1, {}),
      said('I will look.', 0),
      said('Done.', 1),
    ).findings();
    expect(thoughts).toEqual([{ source: 'commentary', text: 'I will look.' }]);
  });
});

describe.each([
  'response.output_text.delta',
  'response.function_call_arguments.delta',
  'response.new',
])('a %s', (name) => {
  const gapsIn = (data: string): readonly string[] => {
    const gaps = new Gaps();
    expect(new ResponseStreamReader(gaps).event({ name, data })).toBe(false);
    return gaps.notes;
  };

  test('is not even parsed', () => {
    expect(gapsIn('{no JSON}')).toEqual([]);
  });

  test('that is cut off is noted', () => {
    expect(gapsIn('{"delta":"n')).toEqual(['an event that is passed over is not a JSON object']);
  });
});
