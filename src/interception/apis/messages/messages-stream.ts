import { objectAt, parseObject, stringAt, type JsonObject } from '../../../core/json.ts';
import type { SseEvent } from '../../../core/sse-reader.ts';
import type { UpstreamError } from '../../../providers/index.ts';
import { readUpstreamError, UNEXPLAINED } from '../../../providers/index.ts';
import type { Findings, StreamReader, ThoughtFinding, ToolFinding, UsageFinding } from '../api.ts';
import { thoughtOf, toolOf } from './messages-answer.ts';
import { mergeUsage } from './messages-usage.ts';

/** A content block while its deltas arrive; the text is a tool's input or a thought. */
interface OpenBlock {
  readonly block: JsonObject;
  readonly parts: string[];
}

/**
 * Reads an Anthropic stream along. Most events are text deltas, which the audit
 * does not keep: they are passed over without being parsed.
 */
export class MessagesStreamReader implements StreamReader {
  #messageId: string | null = null;
  #usage: UsageFinding | undefined;
  #error: UpstreamError | undefined;
  readonly #tools: ToolFinding[] = [];
  readonly #thoughts: ThoughtFinding[] = [];
  readonly #open = new Map<unknown, OpenBlock>();

  event(event: SseEvent): boolean {
    switch (event.name) {
      case 'message_start':
        this.#start(objectAt(parseObject(event.data), 'message'));
        return false;
      case 'content_block_start':
        this.#openBlock(parseObject(event.data));
        return false;
      case 'content_block_delta':
        if (!event.data.includes('"text_delta"')) this.#delta(parseObject(event.data));
        return false;
      case 'content_block_stop':
        this.#closeBlock(parseObject(event.data)?.['index']);
        return false;
      case 'message_delta':
        this.#usage = mergeUsage(this.#usage, objectAt(parseObject(event.data), 'usage'));
        return false;
      case 'error':
        this.#error = readUpstreamError(parseObject(event.data)) ?? UNEXPLAINED;
        return false;
      default:
        return isLast(event);
    }
  }

  findings(): Findings {
    return {
      messageId: this.#messageId,
      usage: this.#usage,
      tools: this.#tools,
      thoughts: [...this.#thoughts, ...this.#unfinishedThoughts()],
      error: this.#error,
    };
  }

  #start(message: JsonObject | undefined): void {
    this.#messageId = stringAt(message, 'id') ?? null;
    this.#usage = mergeUsage(this.#usage, objectAt(message, 'usage'));
  }

  #openBlock(data: JsonObject | undefined): void {
    const block = objectAt(data, 'content_block');
    if (block === undefined) return;
    const isRead = block['type'] === 'thinking' || toolOf(block, '').length > 0;
    const parts = [stringAt(block, 'thinking') ?? ''];
    if (isRead) this.#open.set(data?.['index'], { block, parts });
  }

  #delta(data: JsonObject | undefined): void {
    const delta = objectAt(data, 'delta');
    const part = stringAt(delta, 'partial_json') ?? stringAt(delta, 'thinking');
    if (part !== undefined) this.#open.get(data?.['index'])?.parts.push(part);
  }

  #closeBlock(index: unknown): void {
    const open = this.#open.get(index);
    if (open === undefined) return;
    this.#open.delete(index);
    const text = open.parts.join('');
    // A tool without arguments streams no input at all, or announces it with the block.
    this.#tools.push(...toolOf(open.block, text || JSON.stringify(open.block['input'] ?? {})));
    this.#thoughts.push(...thoughtOf(open.block, text));
  }

  /** A thought that was cut off was still thought; a tool call that was cut off was never made. */
  #unfinishedThoughts(): ThoughtFinding[] {
    return [...this.#open.values()].flatMap(({ block, parts }) => thoughtOf(block, parts.join('')));
  }
}

/** Of a stream that breaks off in its last event the name may be there without the rest. */
function isLast({ name, data }: SseEvent): boolean {
  return name === 'message_stop' && parseObject(data) !== undefined;
}
