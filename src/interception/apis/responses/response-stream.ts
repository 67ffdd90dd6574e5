import { objectAt, parseObject, stringAt, type JsonObject } from '../../../core/json.ts';
import type { SseEvent } from '../../../core/sse-reader.ts';
import type { UpstreamError } from '../../../providers/index.ts';
import { readUpstreamError, UNEXPLAINED } from '../../../providers/index.ts';
import {
  NOTHING_FOUND,
  type Findings,
  type StreamReader,
  type ThoughtFinding,
  type ToolFinding,
} from '../api.ts';
import { OpenThoughts } from './open-thoughts.ts';
import { thoughtsOf, toolOf } from './output-item.ts';
import { readResponse } from './response-answer.ts';

/** Those that properly end a stream of this API. */
const LAST_EVENTS = new Set([
  'response.completed',
  'response.incomplete',
  'response.failed',
  'error',
]);
const ITEM_EVENTS = new Set(['response.output_item.added', 'response.output_item.done']);

/**
 * Reads a stream of response events along. The last event repeats the whole
 * response; the items before it count where a stream does not get that far, or its
 * last event leaves them out. Most events are pieces of text, which the audit does
 * not keep: they are passed over without being parsed.
 */
export class ResponseStreamReader implements StreamReader {
  #messageId: string | null = null;
  #final: Findings = NOTHING_FOUND;
  #error: UpstreamError | undefined;
  readonly #tools: ToolFinding[] = [];
  readonly #thoughts: ThoughtFinding[] = [];
  readonly #open = new OpenThoughts();

  event({ name, data }: SseEvent): boolean {
    // Some servers name the event in its data alone.
    const type = name || (stringAt(parseObject(data), 'type') ?? '');
    if (this.#isWorthReading(type)) this.#read(type, data);
    return LAST_EVENTS.has(type);
  }

  findings(): Findings {
    const isAllInFinal = this.#final.tools.length + this.#final.thoughts.length > 0;
    return {
      messageId: this.#final.messageId ?? this.#messageId,
      usage: this.#final.usage,
      tools: isAllInFinal ? this.#final.tools : this.#tools,
      thoughts: isAllInFinal ? this.#final.thoughts : [...this.#thoughts, ...this.#open.thoughts],
      error: this.#error,
    };
  }

  #isWorthReading(type: string): boolean {
    return (
      this.#messageId === null ||
      LAST_EVENTS.has(type) ||
      ITEM_EVENTS.has(type) ||
      this.#open.isToldBy(type)
    );
  }

  #read(type: string, data: string): void {
    const event = parseObject(data);
    if (event === undefined) throw new Error('its data is not a JSON object');
    const response = objectAt(event, 'response');
    this.#messageId ??= stringAt(response, 'id') || null;
    if (type === 'error') this.#error = readUpstreamError(event) ?? UNEXPLAINED;
    else if (LAST_EVENTS.has(type)) this.#end(type, response ?? {});
    else if (type === 'response.output_item.added') this.#open.begin(event);
    else if (type === 'response.output_item.done') this.#addItem(event);
    else this.#open.add(type, event);
  }

  #addItem(event: JsonObject): void {
    this.#open.end(event);
    const item = objectAt(event, 'item') ?? {};
    this.#tools.push(...toolOf(item));
    this.#thoughts.push(...thoughtsOf(item));
  }

  #end(type: string, response: JsonObject): void {
    this.#final = readResponse(response);
    this.#error = this.#final.error ?? (type === 'response.failed' ? UNEXPLAINED : undefined);
  }
}
