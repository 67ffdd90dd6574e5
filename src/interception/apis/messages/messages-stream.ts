import { jsonText, objectAt, parseObject, stringAt, type JsonObject } from '../../../core/json.ts';
import type { SseEvent } from '../../../core/sse-reader.ts';
import { readUpstreamError, UNEXPLAINED, type UpstreamError } from '../../../providers/index.ts';
import type {
  Findings,
  InBandError,
  StreamReader,
  ThoughtFinding,
  ToolFinding,
  UsageFinding,
} from '../api.ts';
import type { Gaps } from '../gaps.ts';
import { checkBlock, isTool, thoughtOf, toolOf } from './messages-answer.ts';
import { EVENTS, PIECES } from './messages-shapes.ts';
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
  #servedModel: string | null = null;
  #usage: UsageFinding | undefined;
  #error: UpstreamError | undefined;
  #isFinished = false;
  #isStopped = false;
  readonly #tools: ToolFinding[] = [];
  readonly #thoughts: ThoughtFinding[] = [];
  readonly #open = new Map<unknown, OpenBlock>();
  readonly #gaps: Gaps;

  constructor(gaps: Gaps) {
    this.#gaps = gaps;
  }

  get isFinished(): boolean {
    return this.#isFinished;
  }

  event({ name, data }: SseEvent): boolean {
    const isDelta = name === 'content_block_delta' || name === '';
    if (isDelta && data.includes('"text_delta"')) {
      this.#gaps.skip('a text_delta', data);
      return false;
    }
    const type = name || this.#typeIn(data);
    if (type === 'message_stop') this.#isStopped = this.#gaps.parse(type, data) !== undefined;
    else if (type === 'ping') this.#gaps.skip(type, data);
    else if (type === 'error') this.#error = readUpstreamError(parseObject(data)) ?? UNEXPLAINED;
    else if (isRead(type)) this.#read(type, this.#gaps.parse(type, data, EVENTS[type]));
    return this.#isStopped;
  }

  /** A tool call of an answer that is whole was made, whatever became of the event that closes it. */
  end(): void {
    if (this.#isStopped && !this.#isFinished) this.#gaps.add('the answer has no stop_reason');
    if (!this.#isStopped && !this.#isFinished) return;
    for (const [index, { block }] of this.#open) {
      if (!isTool(block)) continue;
      this.#gaps.add('a tool call was never closed');
      this.#closeBlock(index);
    }
  }

  findings(): Findings {
    return {
      messageId: this.#messageId,
      servedModel: this.#servedModel,
      usage: this.#usage,
      tools: this.#tools,
      thoughts: [...this.#thoughts, ...this.#unfinishedThoughts()],
      error: this.#error,
    };
  }

  inBandError({ envelope }: InBandError): string {
    return `event: error\ndata: ${JSON.stringify(envelope)}\n\n`;
  }

  /** For the servers that name an event in its data alone. */
  #typeIn(data: string): string {
    const event = parseObject(data);
    if (event === undefined) this.#gaps.add('an event without a name is not a JSON object');
    return stringAt(event, 'type') ?? '';
  }

  #read(type: keyof typeof EVENTS, event: JsonObject | undefined): void {
    if (type === 'message_start') this.#start(objectAt(event, 'message'));
    else if (type === 'content_block_start') this.#openBlock(event);
    else if (type === 'content_block_delta') this.#addPiece(event);
    else if (type === 'content_block_stop') this.#closeBlock(event?.['index']);
    else this.#finish(event);
  }

  #start(message: JsonObject | undefined): void {
    this.#messageId = stringAt(message, 'id') ?? null;
    this.#servedModel = stringAt(message, 'model') || null;
    this.#usage = mergeUsage(this.#usage, objectAt(message, 'usage'));
  }

  #openBlock(event: JsonObject | undefined): void {
    const block = objectAt(event, 'content_block');
    if (block === undefined) return;
    checkBlock(block, this.#gaps);
    this.#open.set(event?.['index'], { block, parts: [stringAt(block, 'thinking') ?? ''] });
  }

  #addPiece(event: JsonObject | undefined): void {
    const delta = objectAt(event, 'delta');
    const type = stringAt(delta, 'type') ?? '';
    if (!Object.hasOwn(PIECES, type)) return;
    this.#gaps.check(type, delta, PIECES[type] ?? {});
    const open = this.#open.get(event?.['index']);
    if (open === undefined) this.#gaps.add(`${type} belongs to no block`);
    open?.parts.push(stringAt(delta, 'partial_json') ?? stringAt(delta, 'thinking') ?? '');
  }

  #closeBlock(index: unknown): void {
    const open = this.#open.get(index);
    if (open === undefined) return;
    this.#open.delete(index);
    const text = open.parts.join('');
    // A tool without arguments streams no input at all, or announces it with the block.
    this.#tools.push(...toolOf(open.block, text || jsonText(open.block['input'] ?? {})));
    this.#thoughts.push(...thoughtOf(open.block, text));
  }

  #finish(event: JsonObject | undefined): void {
    this.#usage = mergeUsage(this.#usage, objectAt(event, 'usage'));
    if (stringAt(objectAt(event, 'delta'), 'stop_reason')) this.#isFinished = true;
  }

  /** A thought that was cut off was still thought; a tool call that was cut off was never made. */
  #unfinishedThoughts(): ThoughtFinding[] {
    return [...this.#open.values()].flatMap(({ block, parts }) => thoughtOf(block, parts.join('')));
  }
}

function isRead(type: string): type is keyof typeof EVENTS {
  return Object.hasOwn(EVENTS, type);
}
