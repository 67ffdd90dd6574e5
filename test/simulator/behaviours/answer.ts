import type { Behaviour } from './behaviour.ts';

export interface ToolCall {
  readonly name: string;
  readonly input: unknown;
  /** Left out: derived from the request, like every other id. */
  readonly id?: string;
  /** Responses API: a custom tool, whose `input` is free text instead of JSON arguments. */
  readonly isCustom?: boolean;
}

/**
 * Tokens as they are billed, the same numbers for every API: `input` is what was
 * neither read from a cache nor written to one. The renderers make each vendor's
 * sums of them, so OpenAI's prompt tokens are the three together.
 */
export interface TokenCounts {
  readonly input?: number;
  readonly output?: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
  /** The part of `output` spent on thinking. */
  readonly reasoning?: number;
  readonly inputAudio?: number;
  readonly outputAudio?: number;
  readonly acceptedPrediction?: number;
  readonly rejectedPrediction?: number;
  readonly webSearches?: number;
}

/** What a model says. Everything left out is derived from the request, so equal requests get equal bytes. */
export interface Answer {
  readonly text?: string;
  /** Thinking, reasoning summary or reasoning text, by API. */
  readonly thinking?: string;
  /** Messages API: an encrypted thinking block, sent before anything else. */
  readonly redactedThinking?: string;
  /** Responses API: an assistant message of phase `commentary`, before the answer. */
  readonly commentary?: string;
  readonly tools?: readonly ToolCall[];
  /** `none` leaves usage out wherever the API allows that. */
  readonly usage?: TokenCounts | 'none';
  readonly messageId?: string;
  readonly model?: string;
  /** How many deltas a streamed text is sent in. */
  readonly chunks?: number;
  /** `failed` is an HTTP 200 that reports a failure; only the Responses API has it. */
  readonly finish?: 'stop' | 'length' | 'refusal' | 'failed';
}

export function answer(said: Answer = {}): Behaviour {
  return { name: 'answer', reply: { kind: 'answer', answer: said } };
}

/** About this many bytes of text, in deltas of 4 KiB. */
export function bigAnswer(bytes: number): Behaviour {
  const chunks = Math.ceil(bytes / 4096);
  return { ...answer({ text: filler(bytes), chunks }), name: 'big_answer' };
}

/** The whole text in a single frame. */
export function bigFrame(bytes: number): Behaviour {
  return { ...answer({ text: filler(bytes), chunks: 1 }), name: 'big_frame' };
}

function filler(bytes: number): string {
  const words = 'All work and no play makes a dull model. ';
  return words.repeat(Math.ceil(bytes / words.length)).slice(0, bytes);
}
