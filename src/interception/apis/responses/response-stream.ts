import { objectAt, parseObject, stringAt, type JsonObject } from '../../../core/json.ts';
import type { Fields } from '../../../core/json-shape.ts';
import type { SseEvent } from '../../../core/sse-reader.ts';
import { readUpstreamError, UNEXPLAINED, type UpstreamError } from '../../../providers/index.ts';
import {
  NOTHING_FOUND,
  type Findings,
  type InBandError,
  type StreamReader,
  type ThoughtFinding,
  type ToolFinding,
} from '../api.ts';
import type { Gaps } from '../gaps.ts';
import { OpenThoughts } from './open-thoughts.ts';
import { thoughtsOf, toolOf } from './output-item.ts';
import { readResponse } from './response-answer.ts';
import { nextSequenceNumber, responseFailed } from './response-failed.ts';
import { BEGUN, ENDED, WITH_ITEM, WITH_PIECE } from './response-shapes.ts';

/** Those that properly end a stream of this API. */
const LAST_EVENTS = new Set([
  'response.completed',
  'response.incomplete',
  'response.failed',
  'error',
]);
const ITEM_EVENTS = new Set(['response.output_item.added', 'response.output_item.done']);
const FIRST_EVENTS = new Set(['response.created', 'response.queued', 'response.in_progress']);

/**
 * Reads a stream of response events along. The last event repeats the whole
 * response; the items before it count where a stream does not get that far, or its
 * last event leaves them out. Most events are pieces of text, which the audit does
 * not keep: they are passed over without being parsed.
 */
export class ResponseStreamReader implements StreamReader {
  /** Nothing before the last event says that there is no more to come. */
  readonly isFinished = false;
  #messageId: string | null = null;
  #servedModel: string | null = null;
  #final: Findings = NOTHING_FOUND;
  #error: UpstreamError | undefined;
  #newest: readonly string[] = [];
  #eventCount = 0;
  readonly #tools: ToolFinding[] = [];
  readonly #thoughts: ThoughtFinding[] = [];
  readonly #open = new OpenThoughts();
  readonly #gaps: Gaps;

  constructor(gaps: Gaps) {
    this.#gaps = gaps;
  }

  event({ name, data }: SseEvent): boolean {
    const [last = ''] = this.#newest;
    this.#newest = [data, last];
    this.#eventCount += 1;
    const type = name || this.#typeIn(data);
    const fields = this.#fieldsOf(type);
    if (fields === undefined) {
      if (type.startsWith('response.')) this.#gaps.skip('an event that is passed over', data);
      return false;
    }
    const event = this.#gaps.parse(type, data, fields);
    if (event === undefined) return false;
    this.#read(type, event);
    return LAST_EVENTS.has(type);
  }

  end(): void {
    // What is open at the end are thoughts, and these count as far as they came.
  }

  findings(): Findings {
    const isAllInFinal = this.#final.tools.length + this.#final.thoughts.length > 0;
    return {
      messageId: this.#final.messageId ?? this.#messageId,
      servedModel: this.#final.servedModel ?? this.#servedModel,
      usage: this.#final.usage,
      tools: isAllInFinal ? this.#final.tools : this.#tools,
      thoughts: isAllInFinal ? this.#final.thoughts : [...this.#thoughts, ...this.#open.thoughts],
      error: this.#error,
    };
  }

  inBandError(error: InBandError): string {
    return responseFailed(error, {
      id: this.#messageId,
      model: this.#servedModel,
      sequenceNumber: nextSequenceNumber(this.#newest, this.#eventCount),
    });
  }

  /** Some servers name the event in its data alone. */
  #typeIn(data: string): string {
    const event = parseObject(data);
    if (event === undefined) this.#gaps.add('an event without a name is not a JSON object');
    return stringAt(event, 'type') ?? '';
  }

  /** What is read of events of this type; undefined passes them over. */
  #fieldsOf(type: string): Fields | undefined {
    if (type === 'error') return NO_FIELDS;
    if (LAST_EVENTS.has(type)) return ENDED;
    if (ITEM_EVENTS.has(type)) return WITH_ITEM;
    if (this.#open.isToldBy(type)) return WITH_PIECE;
    return this.#messageId === null && FIRST_EVENTS.has(type) ? BEGUN : undefined;
  }

  #read(type: string, event: JsonObject): void {
    this.#readHead(objectAt(event, 'response'));
    if (type === 'error') this.#error = readUpstreamError(event) ?? UNEXPLAINED;
    else if (LAST_EVENTS.has(type)) this.#end(type, objectAt(event, 'response') ?? {});
    else if (type === 'response.output_item.added') this.#open.begin(event);
    else if (type === 'response.output_item.done') this.#addItem(event);
    else this.#open.add(type, event);
  }

  #readHead(response: JsonObject | undefined): void {
    this.#messageId ??= stringAt(response, 'id') || null;
    this.#servedModel ??= stringAt(response, 'model') || null;
  }

  #addItem(event: JsonObject): void {
    this.#open.end(event);
    const item = objectAt(event, 'item') ?? {};
    this.#tools.push(...toolOf(item));
    this.#thoughts.push(...thoughtsOf(item));
  }

  #end(type: string, response: JsonObject): void {
    this.#final = readResponse(response, this.#gaps);
    this.#error = this.#final.error ?? (type === 'response.failed' ? UNEXPLAINED : undefined);
  }
}

const NO_FIELDS: Fields = {};
