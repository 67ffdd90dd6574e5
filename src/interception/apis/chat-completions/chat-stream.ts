import { arrayAt, isObject, objectAt, stringAt, type JsonObject } from '../../../core/json.ts';
import type { SseEvent } from '../../../core/sse-reader.ts';
import { readUpstreamError, type UpstreamError } from '../../../providers/index.ts';
import type { Findings, InBandError, StreamReader, UsageFinding } from '../api.ts';
import type { Gaps } from '../gaps.ts';
import { toolCalls } from './chat-answer.ts';
import { chatErrorFrames } from './chat-error.ts';
import {
  CALL,
  CHUNK,
  CHUNK_CHOICE,
  CHUNK_WITHOUT_CHOICES,
  FILTERED_CHOICE,
} from './chat-shapes.ts';
import { readChatUsage } from './chat-usage.ts';
import { OpenChoice } from './open-choice.ts';

/** In a piece of text, which the audit does not keep. */
const TEXT = /"(?:content|refusal)"\s*:\s*"/;
const WORTH_READING =
  /"(?:tool_calls|function_call|reasoning|reasoning_content|error)"|_tokens"|"finish_reason"\s*:\s*"/;
/** How a chunk ends that was not cut off: after its choices come plain values at most. */
const WHOLE = /\}\s*\]\s*(?:,[^{}[\]]*)?\}\s*$/;
const WHOLE_WITHIN = 200;
const INDEX = /"index"\s*:\s*(\d+)/;
/** Where id and model are looked for. Some servers name neither. */
const HEAD_CHUNKS = 8;

/**
 * Reads a stream of completion chunks along. Most are pieces of text: they are
 * passed over without being parsed.
 */
export class ChatStreamReader implements StreamReader {
  #messageId: string | null = null;
  #servedModel: string | null = null;
  #usage: UsageFinding | undefined;
  #error: UpstreamError | undefined;
  #isDone = false;
  #headChunks = 0;
  readonly #choices = new Map<unknown, OpenChoice>();
  readonly #gaps: Gaps;
  readonly #choicesAsked: number;

  constructor(gaps: Gaps, choicesAsked: number) {
    this.#gaps = gaps;
    this.#choicesAsked = Math.max(1, choicesAsked);
  }

  /** Of a choice that has not begun, only the request knows. */
  get isFinished(): boolean {
    const choices = [...this.#choices.values()];
    return choices.length >= this.#choicesAsked && choices.every(({ isFinished }) => isFinished);
  }

  event({ data }: SseEvent): boolean {
    if (data.startsWith('[DONE]')) this.#isDone = true;
    else if (this.#wantsHead() || !isText(data)) this.#read(data);
    else this.#choiceAt(indexIn(data));
    return this.#isDone;
  }

  /** Of an answer that is whole, every call was made. */
  end(): void {
    if (!this.#isDone) return;
    for (const choice of this.#choices.values()) {
      if (choice.isFinished || !choice.hasCalls) continue;
      this.#gaps.add('a choice with tool calls has no finish_reason');
      choice.isFinished = true;
    }
  }

  findings(): Findings {
    const choices = [...this.#choices.values()];
    return {
      messageId: this.#messageId,
      servedModel: this.#servedModel,
      usage: this.#usage,
      tools: choices.flatMap((choice) => choice.tools),
      thoughts: choices.flatMap((choice) => choice.thoughts),
      error: this.#error,
    };
  }

  inBandError(error: InBandError): string {
    return chatErrorFrames(error);
  }

  #wantsHead(): boolean {
    if (this.#messageId !== null && this.#servedModel !== null) return false;
    this.#headChunks += 1;
    return this.#headChunks <= HEAD_CHUNKS;
  }

  #read(data: string): void {
    const chunk = this.#gaps.parse('a chunk', data);
    if (chunk === undefined) return;
    this.#readHead(chunk);
    // Some vendors count along; the newest count includes those before it.
    const usage = readChatUsage(objectAt(chunk, 'usage'));
    const error = readUpstreamError(chunk);
    this.#usage = usage ?? this.#usage;
    this.#error ??= error;
    const saysMore = usage !== undefined || error !== undefined;
    this.#gaps.check('a chunk', chunk, saysMore ? CHUNK_WITHOUT_CHOICES : CHUNK);
    for (const choice of arrayAt(chunk, 'choices').filter(isObject)) this.#addToChoice(choice);
  }

  #readHead(chunk: JsonObject): void {
    this.#messageId ??= stringAt(chunk, 'id') || null;
    this.#servedModel ??= stringAt(chunk, 'model') || null;
  }

  #addToChoice(choice: JsonObject): void {
    const isFiltered = 'content_filter_results' in choice;
    this.#gaps.check('a choice', choice, isFiltered ? FILTERED_CHOICE : CHUNK_CHOICE);
    for (const piece of toolCalls(objectAt(choice, 'delta') ?? {})) {
      this.#gaps.check('a tool call', piece, CALL);
    }
    this.#choiceAt(choice['index']).add(choice);
  }

  #choiceAt(index: unknown): OpenChoice {
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    const choice = new OpenChoice();
    this.#choices.set(index, choice);
    return choice;
  }
}

function isText(data: string): boolean {
  return TEXT.test(data) && !WORTH_READING.test(data) && WHOLE.test(data.slice(-WHOLE_WITHIN));
}

function indexIn(data: string): number | undefined {
  const index = INDEX.exec(data)?.[1];
  return index === undefined ? undefined : Number(index);
}
