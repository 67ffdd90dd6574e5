import {
  arrayAt,
  isObject,
  objectAt,
  parseObject,
  stringAt,
  type JsonObject,
} from '../../../core/json.ts';
import type { SseEvent } from '../../../core/sse-reader.ts';
import type { UpstreamError } from '../../../providers/index.ts';
import { readUpstreamError } from '../../../providers/index.ts';
import type { Findings, StreamReader, UsageFinding } from '../api.ts';
import { readChatUsage } from './chat-usage.ts';
import { OpenChoice } from './open-choice.ts';

/** Anything but a piece of text, which the audit does not keep. */
const WORTH_READING =
  /"(?:tool_calls|function_call|reasoning|reasoning_content|error)"|_tokens"|"finish_reason"\s*:\s*"/;

/**
 * Reads a stream of completion chunks along. Most are pieces of text: they are
 * passed over without being parsed.
 */
export class ChatStreamReader implements StreamReader {
  #messageId: string | null = null;
  #usage: UsageFinding | undefined;
  #error: UpstreamError | undefined;
  readonly #choices = new Map<unknown, OpenChoice>();

  event({ data }: SseEvent): boolean {
    if (data.startsWith('[DONE]')) return true;
    if (this.#messageId === null || WORTH_READING.test(data)) this.#read(data);
    return false;
  }

  findings(): Findings {
    const choices = [...this.#choices.values()];
    return {
      messageId: this.#messageId,
      usage: this.#usage,
      tools: choices.flatMap((choice) => choice.tools),
      thoughts: choices.flatMap((choice) => choice.thoughts),
      error: this.#error,
    };
  }

  #read(data: string): void {
    const chunk = parseObject(data);
    if (chunk === undefined) throw new Error('a chunk is not a JSON object');
    this.#messageId ??= stringAt(chunk, 'id') || null;
    // Some vendors count along; the newest count includes those before it.
    this.#usage = readChatUsage(objectAt(chunk, 'usage')) ?? this.#usage;
    this.#error ??= readUpstreamError(chunk);
    for (const choice of arrayAt(chunk, 'choices').filter(isObject)) this.#addToChoice(choice);
  }

  #addToChoice(choice: JsonObject): void {
    const open = this.#choices.get(choice['index']) ?? new OpenChoice();
    this.#choices.set(choice['index'], open);
    open.add(choice);
  }
}
