import {
  ANTHROPIC_PASSTHROUGH,
  CHAT_COMPLETIONS,
  MESSAGES,
  OPENAI_PASSTHROUGH,
  RESPONSES,
  type ApiUnderTest,
} from '../support/api-under-test.ts';
import { at, parsed, type SentEvent } from './sent-stream.ts';

export interface Tokens {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/** How one API says what the truth is held against. Read from the vendor's documentation, not from the bridge. */
export interface TruthApi extends ApiUnderTest {
  /** Undefined when the answer names none. */
  usageOf(answer: unknown): Tokens | undefined;
  usageOfStream(events: readonly SentEvent[]): Tokens | undefined;
  /** Nothing can be missed of an event that the vendor does not name. */
  isDocumented(eventName: string): boolean;
  isTerminal(event: SentEvent): boolean;
  /** Whether nothing is missing of the answer but the event that says so. */
  isFinished(events: readonly SentEvent[]): boolean;
  /** The type or code of the error that an event carries. */
  errorOf(event: SentEvent): string | undefined;
}

const UNREAD = {
  usageOf: () => undefined,
  usageOfStream: () => undefined,
  isDocumented: () => false,
  isTerminal: () => false,
  isFinished: () => false,
  errorOf: () => undefined,
};

export const TRUTH_APIS: readonly [TruthApi, ...TruthApi[]] = [
  {
    ...MESSAGES,
    usageOf: (answer) => anthropicUsage(undefined, at(answer, 'usage')),
    usageOfStream: (events) =>
      events.reduce<Tokens | undefined>((known, { name, data }) => {
        const event = parsed(data);
        if (name === 'message_start') return anthropicUsage(known, at(event, 'message', 'usage'));
        return name === 'message_delta' ? anthropicUsage(known, at(event, 'usage')) : known;
      }, undefined),
    isDocumented: (name) => /^(?:(?:message|content_block)_[a-z]+|ping|error)$/.test(name),
    isTerminal: (event) => isNamed(event, /^message_stop$/),
    isFinished: (events) =>
      events.some(
        ({ name, data }) =>
          name === 'message_delta' && typeof at(parsed(data), 'delta', 'stop_reason') === 'string',
      ),
    errorOf: ({ name, data }) =>
      name === 'error' ? String(at(parsed(data), 'error', 'type')) : undefined,
  },
  {
    ...CHAT_COMPLETIONS,
    usageOf: (answer) => openAiUsage(at(answer, 'usage'), 'prompt', 'completion'),
    usageOfStream: (events) =>
      events.reduce<Tokens | undefined>((known, { data }) => {
        const usage = at(parsed(data), 'usage');
        return openAiUsage(usage, 'prompt', 'completion') ?? known;
      }, undefined),
    isDocumented: (name) => name === '',
    isTerminal: ({ data }) => data === '[DONE]',
    isFinished: (events) => {
      const reasons = new Map(
        events.flatMap(({ data }) => choicesIn(data)).map((one) => [at(one, 'index'), one]),
      );
      const last = [...reasons.values()].map((choice) => at(choice, 'finish_reason'));
      return last.length > 0 && last.every((reason) => typeof reason === 'string');
    },
    errorOf: ({ data }) => errorName(at(parsed(data), 'error')),
  },
  {
    ...RESPONSES,
    usageOf: (answer) => openAiUsage(at(answer, 'usage'), 'input', 'output'),
    usageOfStream: (events) =>
      events.reduce<Tokens | undefined>((known, { data }) => {
        const usage = at(parsed(data), 'response', 'usage');
        return openAiUsage(usage, 'input', 'output') ?? known;
      }, undefined),
    isDocumented: (name) => /^(?:response\..+|error)$/.test(name),
    // Only its last event carries the response.
    isFinished: () => false,
    isTerminal: (event) => isNamed(event, /^response\.(?:completed|incomplete|failed)$/),
    errorOf: ({ name, data }) => (name === 'error' ? errorName(parsed(data)) : undefined),
  },
  { ...ANTHROPIC_PASSTHROUGH, ...UNREAD },
  { ...OPENAI_PASSTHROUGH, ...UNREAD },
];

/** Cumulative: what a later event names replaces what an earlier one said. */
function anthropicUsage(known: Tokens | undefined, usage: unknown): Tokens | undefined {
  if (usage === undefined) return known;
  const count = (name: string, before = 0): number => Number(at(usage, name) ?? before);
  return {
    input: count('input_tokens', known?.input),
    output: count('output_tokens', known?.output),
    cacheRead: count('cache_read_input_tokens', known?.cacheRead),
    cacheWrite: count('cache_creation_input_tokens', known?.cacheWrite),
  };
}

/** What was read from a cache or written to one is part of what the vendor calls input. */
function openAiUsage(usage: unknown, input: string, output: string): Tokens | undefined {
  if (typeof usage !== 'object' || usage === null) return undefined;
  const cacheRead = Number(at(usage, `${input}_tokens_details`, 'cached_tokens') ?? 0);
  const cacheWrite = Number(at(usage, `${input}_tokens_details`, 'cache_write_tokens') ?? 0);
  return {
    input: Number(at(usage, `${input}_tokens`)) - cacheRead - cacheWrite,
    output: Number(at(usage, `${output}_tokens`)),
    cacheRead,
    cacheWrite,
  };
}

function choicesIn(data: string): unknown[] {
  const choices = at(parsed(data), 'choices');
  return Array.isArray(choices) ? choices : [];
}

/** By its code; one that has none is the server's own. */
function errorName(error: unknown): string | undefined {
  const code = at(error, 'code');
  if (error === undefined) return undefined;
  return typeof code === 'string' ? code : 'server_error';
}

/** A last event that broke off ends nothing: who reads the stream cannot read that it is whole. */
function isNamed({ name, data }: SentEvent, wanted: RegExp): boolean {
  return wanted.test(name) && parsed(data) !== undefined;
}
