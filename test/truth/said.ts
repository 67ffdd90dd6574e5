import { at, parsed, sentEvents } from './sent-stream.ts';
import type { TruthApi } from './truth-api.ts';

/** What an answer says to whoever reads it. */
export interface Said {
  readonly text: string;
  readonly calls: readonly SaidCall[];
}

export interface SaidCall {
  readonly id: string;
  readonly name: string;
}

interface Answered {
  readonly api: TruthApi;
  readonly isStream: boolean;
}

/** The same eyes for what was sent and for what was seen. */
export function saidIn({ api, isStream }: Answered, bytes: Buffer): Said {
  const read = READERS[api.name];
  if (read === undefined) return NOTHING_SAID;
  if (!isStream) return read.body(parsed(bytes.toString()));
  return together(sentEvents(bytes).map(({ data }) => read.event(parsed(data))));
}

export function together(parts: readonly Said[]): Said {
  return {
    text: parts.map(({ text }) => text).join(''),
    calls: parts.flatMap(({ calls }) => calls),
  };
}

interface Reader {
  body(answer: unknown): Said;
  event(event: unknown): Said;
}

const NOTHING_SAID: Said = { text: '', calls: [] };

const READERS: Readonly<Record<string, Reader>> = {
  messages: {
    body: (answer) => together(list(answer, 'content').map(messagesBlock)),
    event: (event) => ({
      text: words(at(event, 'delta', 'text')),
      calls: messagesBlock(at(event, 'content_block')).calls,
    }),
  },
  chat_completions: {
    body: (answer) => together(list(answer, 'choices').map((one) => chatWords(at(one, 'message')))),
    event: (event) => together(list(event, 'choices').map((one) => chatWords(at(one, 'delta')))),
  },
  responses: {
    body: (answer) => together(list(answer, 'output').map(responseItem)),
    event: (event) => {
      const type = at(event, 'type');
      if (type === 'response.output_text.delta')
        return { text: words(at(event, 'delta')), calls: [] };
      return type === 'response.output_item.added'
        ? { text: '', calls: responseItem(at(event, 'item')).calls }
        : NOTHING_SAID;
    },
  },
};

function messagesBlock(block: unknown): Said {
  if (at(block, 'type') !== 'tool_use') return { text: words(at(block, 'text')), calls: [] };
  return { text: '', calls: [{ id: words(at(block, 'id')), name: words(at(block, 'name')) }] };
}

function chatWords(message: unknown): Said {
  const calls = list(message, 'tool_calls')
    .filter((call) => at(call, 'id') !== undefined)
    .map((call) => ({ id: words(at(call, 'id')), name: words(at(call, 'function', 'name')) }));
  return { text: words(at(message, 'content')), calls };
}

function responseItem(item: unknown): Said {
  if (at(item, 'type') === 'function_call') {
    const call = { id: words(at(item, 'call_id')), name: words(at(item, 'name')) };
    return { text: '', calls: [call] };
  }
  const parts = list(item, 'content').map((part) => words(at(part, 'text')));
  return { text: parts.join(''), calls: [] };
}

function list(value: unknown, name: string): readonly unknown[] {
  const found = at(value, name);
  return Array.isArray(found) ? found : [];
}

function words(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
