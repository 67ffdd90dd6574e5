import { arrayOf, elementsOf, memberBytes, withMember } from '../../../core/json-edit.ts';
import {
  arrayAt,
  isObject,
  objectAt,
  parseObject,
  stringAt,
  type JsonObject,
} from '../../../core/json.ts';
import { frameOf, readFrame, withData } from '../../../core/sse-frame.ts';
import type { InBandError } from '../in-band-error.ts';
import type { Weaver, WovenTurn } from '../tool-dialect.ts';
import { laterUsage, sumOfUsages } from '../usage-sum.ts';
import { StreamedBlock, wholeBlock, type SaidBlock } from './messages-block.ts';

interface Block {
  readonly said: SaidBlock;
  /** Where the caller sees it; undefined where it is not shown. */
  readonly place: number | undefined;
}

interface Kept {
  readonly frame: Buffer;
  /** Undefined where it is nothing that is edited. */
  readonly event: JsonObject | undefined;
}

/** Weaves the turns of an Anthropic message. */
export class MessagesWeaver implements Weaver {
  readonly keepAlive = frameOf({ name: 'ping', data: '{"type": "ping"}' });
  readonly #isOffered: (tool: string) => boolean;
  /** Of the turns before this one: whole blocks are kept for the last, streamed ones have been shown. */
  readonly #shown: Buffer[] = [];
  readonly #usages: JsonObject[] = [];
  #messageId: string | undefined;
  #shownCount = 0;
  #isFirstTurn = true;
  #blocks = new Map<unknown, Block>();
  #usage: JsonObject = {};
  #stopReason = '';
  /** What ends the turn's stream, from where on nothing is sent before it is known what follows. */
  #kept: Kept[] = [];
  #whole: { readonly json: Buffer; readonly body: JsonObject } | undefined;

  constructor(isOffered: (tool: string) => boolean) {
    this.#isOffered = isOffered;
  }

  frame(frame: Buffer): Buffer | undefined {
    const event = parseObject(readFrame(frame)?.data ?? '');
    const type = stringAt(event, 'type') ?? '';
    const usage = type === 'message_delta' ? event : undefined;
    if (usage !== undefined) this.#finish(usage);
    if (this.#kept.length === 0 && !ENDS.has(type)) return this.#shownOf(frame, event, type);
    this.#kept.push({ frame, event: usage });
    return undefined;
  }

  body(json: Buffer, body: JsonObject): void {
    this.#whole = { json, body };
    this.#messageId ??= stringAt(body, 'id');
    this.#usage = objectAt(body, 'usage') ?? {};
    this.#stopReason = stringAt(body, 'stop_reason') ?? '';
    const content = arrayAt(body, 'content');
    const elements = elementsOf(memberBytes(json, 'content') ?? NO_ELEMENTS);
    for (const [index, element] of elements.entries()) {
      const block = content[index];
      const said = wholeBlock(element, isObject(block) ? block : {});
      const place = this.#placeOf(said.call?.name);
      this.#blocks.set(index, { said, place });
      if (place !== undefined) this.#shown.push(element);
    }
  }

  endTurn(): WovenTurn {
    const blocks = [...this.#blocks.values()];
    const all = blocks.flatMap(({ said }) => said.call ?? []);
    const calls =
      this.#stopReason === 'tool_use' ? all.filter((call) => this.#isOurs(call.name)) : [];
    const callersCalls = all.filter((call) => !this.#isOurs(call.name)).map(({ id }) => id);
    this.#usages.push(this.#usage);
    const turn = {
      calls,
      callersCalls,
      isLast: calls.length === 0 || callersCalls.length > 0,
      ending: this.#whole === undefined ? this.#endOfStream() : this.#endOfBody(this.#whole),
      said: [assistantMessage(blocks)],
    };
    this.#startTurn();
    return turn;
  }

  inBandError({ envelope }: InBandError): string {
    return `event: error\ndata: ${JSON.stringify(envelope)}\n\n`;
  }

  #startTurn(): void {
    this.#isFirstTurn = false;
    this.#blocks = new Map();
    this.#usage = {};
    this.#stopReason = '';
    this.#kept = [];
    this.#whole = undefined;
  }

  #shownOf(frame: Buffer, event: JsonObject | undefined, type: string): Buffer | undefined {
    if (event === undefined) return frame;
    if (type === 'message_start') return this.#start(frame, event);
    if (type === 'content_block_start') this.#open(event);
    else if (type === 'content_block_delta') this.#add(event);
    else if (type === 'content_block_stop') this.#close(event);
    else return frame;
    return this.#placed(frame, event);
  }

  #start(frame: Buffer, event: JsonObject): Buffer | undefined {
    this.#usage = objectAt(objectAt(event, 'message'), 'usage') ?? {};
    return this.#isFirstTurn ? frame : undefined;
  }

  #finish(event: JsonObject): void {
    this.#usage = laterUsage(this.#usage, objectAt(event, 'usage') ?? {});
    this.#stopReason = stringAt(objectAt(event, 'delta'), 'stop_reason') ?? this.#stopReason;
  }

  #open(event: JsonObject): void {
    const block = objectAt(event, 'content_block') ?? {};
    const tool = block['type'] === 'tool_use' ? stringAt(block, 'name') : undefined;
    const place = this.#placeOf(tool);
    this.#blocks.set(event['index'], { said: new StreamedBlock(block), place });
  }

  #add(event: JsonObject): void {
    const { said } = this.#blocks.get(event['index']) ?? {};
    if (said instanceof StreamedBlock) said.add(objectAt(event, 'delta') ?? {});
  }

  #close(event: JsonObject): void {
    const { said } = this.#blocks.get(event['index']) ?? {};
    if (said instanceof StreamedBlock) said.isClosed = true;
  }

  #isOurs(tool: string | undefined): boolean {
    return tool !== undefined && this.#isOffered(tool);
  }

  #placeOf(tool: string | undefined): number | undefined {
    if (this.#isOurs(tool)) return undefined;
    this.#shownCount += 1;
    return this.#shownCount - 1;
  }

  /** A block's event where the caller has the block. Of a block that never began, as it came. */
  #placed(frame: Buffer, event: JsonObject): Buffer | undefined {
    const block = this.#blocks.get(event['index']);
    if (block === undefined) return frame;
    if (block.place === undefined) return undefined;
    return block.place === event['index'] ? frame : edited(frame, event, 'index', block.place);
  }

  #endOfStream(): Buffer {
    return Buffer.concat(
      this.#kept.map(({ frame, event }) =>
        event === undefined || this.#isFirstTurn
          ? frame
          : edited(frame, event, 'usage', sumOfUsages(this.#usages)),
      ),
    );
  }

  #endOfBody({ json, body }: { readonly json: Buffer; readonly body: JsonObject }): Buffer {
    const isWhole = [...this.#blocks.values()].every(({ place }) => place !== undefined);
    if (this.#isFirstTurn && isWhole) return json;
    const shown = withMember(json, body, 'content', arrayOf(this.#shown));
    if (this.#isFirstTurn) return shown;
    const counted = withMember(shown, body, 'usage', jsonBytes(sumOfUsages(this.#usages)));
    return withMember(counted, body, 'id', jsonBytes(this.#messageId ?? body['id']));
  }
}

function assistantMessage(blocks: readonly Block[]): Buffer {
  const content = blocks.flatMap(({ said }) => said.json ?? []);
  return Buffer.concat([SAID, arrayOf(content), END]);
}

function edited(frame: Buffer, event: JsonObject, member: string, value: unknown): Buffer {
  const data = Buffer.from(readFrame(frame)?.data ?? '');
  return withData(frame, withMember(data, event, member, jsonBytes(value)).toString());
}

function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** From where on nothing is sent before it is known whether another turn follows. */
const ENDS: ReadonlySet<string> = new Set(['message_delta', 'message_stop']);
const NO_ELEMENTS = Buffer.from('[]');
const SAID = Buffer.from('{"role":"assistant","content":');
const END = Buffer.from('}');
