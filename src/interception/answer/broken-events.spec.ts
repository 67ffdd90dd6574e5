import { describe, expect, test } from 'vitest';
import { isObject } from '../../core/json.ts';
import type { Api } from '../apis/api.ts';
import { apiNamed } from '../apis/apis.ts';
import { StreamObserver } from './answer-observer.ts';

/** An event as it came: its data as text, so that it can be broken at any place. */
interface Sent {
  readonly name: string;
  readonly data: string;
}

const named = (name: string, fields: object = {}): Sent => ({
  name,
  data: JSON.stringify({ type: name, ...fields }),
});
const unnamed = (chunk: object): Sent => ({ name: '', data: JSON.stringify(chunk) });

const block = (index: number, content_block: object, ...deltas: readonly object[]): Sent[] => [
  named('content_block_start', { index, content_block }),
  ...deltas.map((delta) => named('content_block_delta', { index, delta })),
  named('content_block_stop', { index }),
];
const text = (said: string): object => ({ type: 'text_delta', text: said });
const thinking = (said: string): object => ({ type: 'thinking_delta', thinking: said });
const json = (partial_json: string): object => ({ type: 'input_json_delta', partial_json });
const toolUse = (id: string, type = 'tool_use'): object => ({ type, id, name: 'ls', input: {} });

const MESSAGES_STREAM: readonly Sent[] = [
  named('message_start', {
    message: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-opus-4-5-20251101',
      content: [],
      stop_reason: null,
      usage: {
        input_tokens: 9,
        output_tokens: 1,
        cache_read_input_tokens: 4,
        cache_creation_input_tokens: 2,
        cache_creation: { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: 0 },
        service_tier: 'standard',
      },
    },
  }),
  ...block(0, { type: 'thinking', thinking: '', signature: '' }, thinking('let '), thinking('me'), {
    type: 'signature_delta',
    signature: 'c2ln',
  }),
  named('ping'),
  ...block(1, { type: 'text', text: '' }, text('I '), text('will '), text('look.')),
  ...block(2, toolUse('toolu_1'), json(''), json('{"path"'), json(':"/"}')),
  ...block(3, toolUse('toolu_2'), json('{}')),
  ...block(4, toolUse('srvtoolu_1', 'server_tool_use'), json('{"query":"x"}')),
  ...block(5, { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] }),
  named('message_delta', {
    delta: { stop_reason: 'tool_use', stop_sequence: null },
    usage: { output_tokens: 61, server_tool_use: { web_search_requests: 1 } },
  }),
  named('message_stop'),
];

const chunk = (delta: object, fields: object = {}, index = 0): Sent =>
  unnamed({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt-5-2025-08-07',
    choices: [{ index, delta, logprobs: null, finish_reason: null, ...fields }],
    usage: null,
  });
const call = (piece: object): object => ({ tool_calls: [piece] });

const CHAT_STREAM: readonly Sent[] = [
  chunk({ role: 'assistant', content: '', refusal: null }),
  chunk({ reasoning_content: 'let ' }),
  chunk({ reasoning_content: 'me' }),
  ...['I ', 'will ', 'look: {"a":[{}]}'].map((content) => chunk({ content })),
  chunk({ content: 'Also.' }, {}, 1),
  chunk(call({ index: 0, id: 'c0', type: 'function', function: { name: 'ls', arguments: '' } })),
  chunk(call({ index: 0, function: { arguments: '{"a":{"b"' } })),
  chunk(call({ index: 0, function: { arguments: ':{}}}' } })),
  chunk(call({ index: 1, id: 'c1', type: 'custom', custom: { name: 'sql', input: 'SELECT' } })),
  chunk({}, { finish_reason: 'stop' }, 1),
  chunk({}, { finish_reason: 'tool_calls' }),
  unnamed({
    id: 'chatcmpl-1',
    model: 'gpt-5-2025-08-07',
    choices: [],
    usage: {
      prompt_tokens: 100,
      completion_tokens: 9,
      prompt_tokens_details: { cached_tokens: 50, audio_tokens: 3 },
      completion_tokens_details: { reasoning_tokens: 4 },
    },
  }),
  { name: '', data: '[DONE]' },
];

const REASONING = {
  id: 'rs_1',
  type: 'reasoning',
  summary: [{ type: 'summary_text', text: 'Hm.' }],
};
const COMMENTARY = {
  id: 'msg_0',
  type: 'message',
  role: 'assistant',
  phase: 'commentary',
  content: [{ type: 'output_text', text: 'I look.' }],
};
const FUNCTION = {
  id: 'fc_1',
  type: 'function_call',
  call_id: 'c1',
  name: 'ls',
  arguments: '{"path":"/"}',
};
const response = (fields: object): object => ({
  response: { id: 'resp_1', object: 'response', model: 'gpt-5-2025-08-07', ...fields },
});
const item = (output_index: number, whole: object, ...pieces: readonly Sent[]): Sent[] => [
  named('response.output_item.added', { output_index, item: whole }),
  ...pieces,
  named('response.output_item.done', { output_index, item: whole }),
];

/** Two of them: a last event that repeats the output, and one that leaves it out. */
function responsesStream(output: readonly object[]): readonly Sent[] {
  const usage = {
    input_tokens: 100,
    output_tokens: 9,
    input_tokens_details: { cached_tokens: 50 },
    output_tokens_details: { reasoning_tokens: 4 },
  };
  return [
    named('response.created', response({ status: 'in_progress', output: [], usage: null })),
    named('response.in_progress', response({ status: 'in_progress', output: [], usage: null })),
    ...item(
      0,
      REASONING,
      named('response.reasoning_summary_text.delta', {
        output_index: 0,
        summary_index: 0,
        delta: 'Hm.',
      }),
    ),
    ...item(
      1,
      COMMENTARY,
      named('response.output_text.delta', { output_index: 1, content_index: 0, delta: 'I look.' }),
    ),
    named('response.output_text.delta', { output_index: 2, content_index: 0, delta: 'Here.' }),
    ...item(
      3,
      FUNCTION,
      named('response.function_call_arguments.delta', { output_index: 3, delta: '{"path":"/"}' }),
    ),
    named('response.completed', response({ status: 'completed', output, usage })),
  ];
}

const STREAMS: readonly [string, Api, readonly Sent[]][] = [
  ['messages', apiNamed('messages'), MESSAGES_STREAM],
  ['chat completions', apiNamed('chat_completions'), CHAT_STREAM],
  ['responses', apiNamed('responses'), responsesStream([REASONING, COMMENTARY, FUNCTION])],
  ['responses, output left out', apiNamed('responses'), responsesStream([])],
];

/** All that a record says of an answer. */
function read(
  api: Api,
  events: readonly Sent[],
): { readonly said: string; readonly notes: number } {
  const observer = new StreamObserver((gaps) => api.readStream(gaps, 1));
  for (const { name, data } of events) {
    observer.chunk(Buffer.from(`${name === '' ? '' : `event: ${name}\n`}data: ${data}\n\n`));
  }
  observer.end();
  const { isComplete, lacksLastEvent } = observer;
  const said = JSON.stringify({ ...observer.findings(), isComplete, lacksLastEvent });
  // That the last event is missing is noted when it is known how the answer ended.
  return { said, notes: observer.notes.length + Number(lacksLastEvent) };
}

/** An event broken off wherever something in it is closed, and elsewhere, and what stands instead of JSON or of an object. */
function cuts(data: string): string[] {
  const lengths = Array.from({ length: data.length - 1 }, (_, index) => index + 1).filter(
    (length) => length % 13 === 0 || '}],'.includes(data.charAt(length - 1)),
  );
  return [...lengths.map((length) => data.slice(0, length)), 'no JSON', '{}', '[]', 'null', '"a"'];
}

/** The event with one of its values in place of which there is one of another type. */
function misshapen(value: unknown): unknown[] {
  const wrong = typeof value === 'string' ? 17 : 'wrong';
  if (Array.isArray(value)) {
    const inner = value.flatMap((each, index) =>
      misshapen(each).map((other) => value.with(index, other)),
    );
    return [wrong, ...inner];
  }
  if (!isObject(value)) return [wrong];
  const inner = Object.entries(value).flatMap(([name, each]) =>
    misshapen(each).map((other) => ({ ...value, [name]: other })),
  );
  return [wrong, ...inner];
}

function wrongTypes(data: string): string[] {
  return data.startsWith('{')
    ? misshapen(JSON.parse(data)).map((each) => JSON.stringify(each))
    : [];
}

/** What changed the record without a trace in it. */
function silent(
  api: Api,
  events: readonly Sent[],
  waysToBreak: (data: string) => readonly string[],
): string[] {
  const { said } = read(api, events);
  return events.flatMap((event, index) =>
    waysToBreak(event.data).filter((data) => {
      const broken = read(api, events.with(index, { ...event, data }));
      return broken.notes === 0 && broken.said !== said;
    }),
  );
}

describe.each(STREAMS)('%s', (_, api, events) => {
  test('an unbroken stream leaves no note', () => {
    expect(read(api, events)).toMatchObject({
      notes: 0,
      said: expect.stringContaining('"isComplete":true'),
    });
  });

  test('an event that says nothing changes nothing, and leaves no note', () => {
    const kept = events.flatMap((event) => [{ name: '', data: '' }, event]);
    expect(read(api, kept)).toEqual(read(api, events));
  });

  test('an event that is cut off or no JSON changes nothing or leaves a note', () => {
    expect(silent(api, events, cuts)).toEqual([]);
  });

  test('a value of the wrong type changes nothing or leaves a note', () => {
    expect(silent(api, events, wrongTypes)).toEqual([]);
  });
});
