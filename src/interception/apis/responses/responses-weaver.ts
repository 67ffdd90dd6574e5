import { arrayOf, elementsOf, memberBytes, withMembers } from '../../../core/json-edit.ts';
import { countAt, objectAt, parseObject, stringAt, type JsonObject } from '../../../core/json.ts';
import { readFrame, withData } from '../../../core/sse-frame.ts';
import type { InBandError } from '../in-band-error.ts';
import type { ToolCall, Weaver, WovenTurn } from '../tool-dialect.ts';
import { sumOfUsages } from '../usage-sum.ts';
import { responseFailed } from './response-failed.ts';
import {
  callIdOf,
  functionOf,
  isLostThought,
  itemOf,
  namesOf,
  openCalls,
  type Item,
} from './responses-item.ts';

/** An event and the frame that it came in. */
interface Told {
  readonly frame: Buffer;
  readonly data: string;
  readonly event: JsonObject;
  readonly type: string;
}

/** What of an event is another for the caller. */
interface Shown {
  readonly place?: number;
  readonly response?: Buffer | undefined;
}

interface StreamedItem {
  /** Where the caller sees it; undefined where it is not shown. */
  readonly place: number | undefined;
  /** Once it is there as a whole. */
  said: Item | undefined;
}

/** A response as it is at the end of its turn. */
interface Ended {
  readonly json: Buffer;
  readonly response: JsonObject;
  readonly items: readonly Item[];
  readonly isCompleted: boolean;
}

const FIRST_EVENTS = new Set(['response.created', 'response.queued', 'response.in_progress']);
const DONE = 'response.output_item.done';
const ITEM_EVENTS = new Set(['response.output_item.added', DONE]);
const LAST_EVENTS = new Set(['response.completed', 'response.incomplete', 'response.failed']);

/**
 * Weaves the turns of a response. A stream has one id from its first event to its last, since
 * clients hold on to it: that of the first turn. What was kept under it tells the id of the last one,
 * which is the one that has all in it. A whole body has the last one's from the beginning.
 */
export class ResponsesWeaver implements Weaver {
  readonly keepAlive = Buffer.from(': keep-alive\n\n');
  readonly #isOffered: (tool: string) => boolean;
  /** Of the turns before this one. */
  readonly #shown: Buffer[] = [];
  readonly #usages: JsonObject[] = [];
  /** What the caller may name of an answer of which it was not shown all. */
  readonly #names: string[] = [];
  #id: string | null = null;
  #model: string | null = null;
  #nextNumber = 0;
  #shownCount = 0;
  #isFirstTurn = true;
  /** From the first thing on that the caller does not get, what follows is numbered anew. */
  #hasHidden = false;
  #items = new Map<unknown, StreamedItem>();
  /** What ends the turn's stream, from where on nothing is sent before it is known what follows. */
  #kept: (Told | Buffer)[] = [];
  #ended: Ended | undefined;
  #isWhole = false;

  constructor(isOffered: (tool: string) => boolean) {
    this.#isOffered = isOffered;
  }

  frame(frame: Buffer): Buffer | undefined {
    const told = this.#kept.length > 0 ? undefined : toldBy(frame);
    if (told === undefined) return this.#kept.length > 0 ? this.#keep(frame) : frame;
    const { type } = told;
    if (FIRST_EVENTS.has(type)) return this.#begin(told);
    if (ITEM_EVENTS.has(type)) return this.#placed(told, this.#itemOf(told));
    if (!LAST_EVENTS.has(type)) return this.#placed(told, this.#items.get(keyOf(told.event)));
    this.#end(told);
    // One that has failed goes on to no other turn.
    return type === 'response.failed' ? this.#ending(told) : this.#keep(told);
  }

  body(json: Buffer, response: JsonObject): void {
    const isCompleted = (response['status'] ?? 'completed') === 'completed';
    this.#ended = { json, response, items: itemsIn(json, response), isCompleted };
    this.#isWhole = true;
  }

  endTurn(): WovenTurn {
    const said = this.#said();
    const ours = said.filter(({ item }) => this.#isOurs(item));
    const others = said.filter(({ item }) => !this.#isOurs(item));
    const calls = this.#ended?.isCompleted === true ? ours.flatMap(({ item }) => callIn(item)) : [];
    const callersCalls = openCalls(others);
    const isLast = calls.length === 0 || callersCalls.length > 0;
    if (ours.length > 0) this.#hasHidden = true;
    this.#nameThoughts(said);
    const isStored = this.#ended?.response['store'] !== false;
    const turn = {
      calls,
      callersCalls,
      isLast,
      ending: this.#endOfTurn(isLast),
      said: said.filter(({ item }) => isStored || !isLostThought(item)).map(({ json }) => json),
      ...this.#keptAs(calls, callersCalls),
    };
    this.#shown.push(...others.map(({ json }) => json));
    this.#startTurn();
    return turn;
  }

  inBandError(error: InBandError): string {
    return responseFailed(error, {
      id: this.#id,
      model: this.#model,
      sequenceNumber: this.#nextNumber,
    });
  }

  #startTurn(): void {
    this.#usages.push(objectAt(this.#ended?.response, 'usage') ?? {});
    this.#isFirstTurn = false;
    this.#hasHidden = true;
    this.#items = new Map();
    this.#kept = [];
    this.#ended = undefined;
  }

  #begin(told: Told): Buffer | undefined {
    if (!this.#isFirstTurn) return undefined;
    const response = objectAt(told.event, 'response');
    this.#id ??= stringAt(response, 'id') || null;
    this.#model ??= stringAt(response, 'model') || null;
    return this.#numbered(told);
  }

  #keep(kept: Told | Buffer): undefined {
    this.#kept.push(kept);
  }

  #end({ event, data, type }: Told): void {
    const json = memberBytes(Buffer.from(data), 'response');
    const response = objectAt(event, 'response');
    if (json === undefined || response === undefined) return;
    const isCompleted = type === 'response.completed';
    this.#ended = { json, response, items: itemsIn(json, response), isCompleted };
  }

  /** An event of an item where the caller has the item; one of no item as it is. */
  #placed(told: Told, item: StreamedItem | undefined): Buffer | undefined {
    if (item === undefined) return this.#numbered(told);
    if (item.place !== undefined) return this.#numbered(told, { place: item.place });
    this.#hasHidden = true;
    return undefined;
  }

  #itemOf({ event, data, type }: Told): StreamedItem | undefined {
    const item = objectAt(event, 'item');
    if (item === undefined) return undefined;
    const key = keyOf(event);
    const known = this.#items.get(key) ?? { place: this.#placeOf(event, item), said: undefined };
    // Of what cannot be told from others, each event is an item of its own.
    this.#items.set(key ?? known, known);
    if (type === DONE)
      known.said = { item, json: memberBytes(Buffer.from(data), 'item') ?? NOTHING };
    return known;
  }

  #placeOf(event: JsonObject, item: JsonObject): number | undefined {
    if (this.#isOurs(item)) return undefined;
    const given = this.#hasHidden ? undefined : countAt(event, 'output_index');
    const place = given ?? this.#shownCount;
    this.#shownCount = Math.max(this.#shownCount, place) + 1;
    return place;
  }

  #isOurs(item: JsonObject): boolean {
    const tool = functionOf(item);
    return tool !== undefined && this.#isOffered(tool);
  }

  /** All that was said in the turn. Servers leave items out at the end, or tell them there alone. */
  #said(): readonly Item[] {
    const { items = [] } = this.#ended ?? {};
    if (items.length > 0) return items;
    return [...this.#items.values()].flatMap(({ said }) => said ?? []);
  }

  /**
   * Thoughts that the caller was shown without the call which they led to. The provider refuses those
   * that nothing follows, so that the call has to be put back where they are repeated.
   */
  #nameThoughts(said: readonly Item[]): void {
    for (const [index, { item }] of said.entries()) {
      const next = said[index + 1]?.item;
      if (item['type'] === 'reasoning' && next !== undefined && this.#isOurs(next))
        this.#names.push(...namesOf(item));
    }
  }

  /** Of the turn that the caller does not know by its id, though it is the one to go on from. */
  #lastId(): string | undefined {
    const { response } = this.#ended ?? {};
    const id = stringAt(response, 'id');
    const isKnown = this.#id === null || this.#id === id || response?.['store'] === false;
    return isKnown || this.#isWhole ? undefined : id;
  }

  /** What the caller's next request may name. Nothing was kept from it where no call was answered. */
  #keptAs(
    calls: readonly ToolCall[],
    callersCalls: readonly string[],
  ): Pick<WovenTurn, 'names' | 'lastId'> {
    if (calls.length === 0 && this.#isFirstTurn) return {};
    const lastId = this.#lastId();
    const names = [...callersCalls.slice(0, 1), ...this.#names];
    return lastId === undefined ? { names } : { names: [...names, this.#id ?? ''], lastId };
  }

  #endOfTurn(isLast: boolean): Buffer {
    if (this.#isWhole) return this.#edited(this.#ended);
    const number = this.#nextNumber;
    const frames = this.#kept.map((kept) => (Buffer.isBuffer(kept) ? kept : this.#ending(kept)));
    if (!isLast) this.#nextNumber = number;
    return Buffer.concat(frames);
  }

  #ending(told: Told): Buffer {
    return this.#numbered(told, {
      response: this.#hasHidden ? this.#edited(this.#ended) : undefined,
    });
  }

  /** The response as the caller gets it. */
  #edited(ended: Ended | undefined): Buffer {
    if (ended === undefined) return NOTHING;
    const { json, response } = ended;
    if (!this.#hasHidden) return json;
    const said = this.#said().filter(({ item }) => !this.#isOurs(item));
    const edits = new Map([
      ['output', arrayOf([...this.#shown, ...said.map((item) => item.json)])],
    ]);
    const usage = sumOfUsages([...this.#usages, objectAt(response, 'usage') ?? {}]);
    if (!this.#isFirstTurn && Object.keys(usage).length > 0) edits.set('usage', jsonBytes(usage));
    if (!this.#isWhole && this.#id !== null) edits.set('id', jsonBytes(this.#id));
    return withMembers(json, edits);
  }

  /** The same event where it stands for the caller. */
  #numbered({ frame, data, event }: Told, { place, response }: Shown = {}): Buffer {
    const number = countAt(event, 'sequence_number');
    const shown = this.#hasHidden ? this.#nextNumber : (number ?? this.#nextNumber);
    this.#nextNumber = shown + 1;
    const edits = new Map<string, Buffer>();
    if (number !== undefined) setIn(edits, event, 'sequence_number', shown);
    if (place !== undefined) setIn(edits, event, 'output_index', place);
    if (response !== undefined) edits.set('response', response);
    return edits.size === 0 ? frame : edited(frame, data, edits);
  }
}

function toldBy(frame: Buffer): Told | undefined {
  const read = readFrame(frame);
  const event = parseObject(read?.data ?? '');
  if (read === undefined || event === undefined) return undefined;
  return { frame, data: read.data, event, type: stringAt(event, 'type') ?? read.name };
}

/** Where the event has it, and not as it is. */
function setIn(edits: Map<string, Buffer>, event: JsonObject, name: string, value: number): void {
  const given = event[name];
  if (given !== undefined && given !== value) edits.set(name, jsonBytes(value));
}

/** What stands between lines of data is nothing but space. */
function edited(frame: Buffer, data: string, edits: ReadonlyMap<string, Buffer>): Buffer {
  const json = withMembers(Buffer.from(data), edits).toString('utf8');
  return withData(frame, json.replaceAll('\n', ' '));
}

function itemsIn(json: Buffer, response: JsonObject): readonly Item[] {
  const output = Array.isArray(response['output']) ? memberBytes(json, 'output') : undefined;
  return elementsOf(output ?? NO_ELEMENTS).map(itemOf);
}

/** What an event of an item tells it by. */
function keyOf(event: JsonObject): unknown {
  return event['output_index'] ?? event['item_id'] ?? objectAt(event, 'item')?.['id'];
}

function callIn(item: JsonObject): ToolCall[] {
  const id = callIdOf(item);
  if (id === undefined) return [];
  const input = stringAt(item, 'arguments') || '{}';
  return [{ id, name: functionOf(item) ?? '', input }];
}

function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

const NOTHING = Buffer.alloc(0);
const NO_ELEMENTS = Buffer.from('[]');
