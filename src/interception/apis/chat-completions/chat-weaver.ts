import { memberBytes, withMember, withMembers } from '../../../core/json-edit.ts';
import {
  arrayAt,
  isObject,
  objectAt,
  parseObject,
  stringAt,
  type JsonObject,
} from '../../../core/json.ts';
import { readFrame, withData } from '../../../core/sse-frame.ts';
import type { InBandError } from '../in-band-error.ts';
import type { Weaver, WovenTurn } from '../tool-dialect.ts';
import { sumOfUsages } from '../usage-sum.ts';
import { joinedContents, jsonBytes, parted, withElements, withObject } from './chat-edit.ts';
import { chatErrorFrames } from './chat-error.ts';
import { ChatTurn, type CallsByChoice } from './chat-turn.ts';
import { readChatUsage } from './chat-usage.ts';
import { ShownCalls } from './shown-calls.ts';

/** A frame that has been read, and not yet been passed on. */
interface Waiting {
  readonly frame: Buffer;
  readonly data: string;
  /** Undefined where it is no chunk. */
  readonly chunk: JsonObject | undefined;
  readonly calls: CallsByChoice;
}

/** A chunk as the caller gets it. */
interface Woven {
  readonly frame: Buffer;
  readonly json: Buffer;
  readonly chunk: JsonObject;
  /** Something was taken out of it. */
  readonly isCut: boolean;
}

interface Whole {
  readonly json: Buffer;
  readonly body: JsonObject;
  readonly calls: CallsByChoice;
}

/** Weaves the turns of a chat completion. */
export class ChatWeaver implements Weaver {
  readonly keepAlive = Buffer.from(': keep-alive\n\n');
  readonly #isOffered: (tool: string) => boolean;
  #turn: ChatTurn;
  #shownCalls: ShownCalls;
  #isFirstTurn = true;
  #answerId: string | undefined;
  #hasRole = false;
  #idCount = 0;
  /** What the turns before this one cost. */
  #earlierUsage: JsonObject = {};
  /** What they said, where they are not streams. */
  readonly #earlierContents: Buffer[] = [];
  /** Frames since a call began of which it cannot be told yet whose it is. */
  #waiting: Waiting[] = [];
  /** What ends the turn's stream, from where on nothing is sent before it is known what follows. */
  #kept: Buffer[] = [];
  #whole: Whole | undefined;

  constructor(isOffered: (tool: string) => boolean) {
    this.#isOffered = isOffered;
    this.#turn = this.#newTurn();
    this.#shownCalls = this.#newShownCalls();
  }

  frame(frame: Buffer): Buffer | undefined {
    const data = readFrame(frame)?.data ?? '';
    const chunk = parseObject(data);
    const calls = chunk === undefined ? [] : this.#turn.chunk(chunk);
    if (isDone(data)) this.#turn.isDone = true;
    this.#waiting.push({ frame, data, chunk, calls });
    return this.#turn.isClear || hasError(chunk) ? this.#passOn() : undefined;
  }

  body(json: Buffer, body: JsonObject): void {
    this.#answerId ??= stringAt(body, 'id');
    this.#whole = { json, body, calls: this.#turn.whole(body) };
  }

  endTurn(): WovenTurn {
    const ending =
      this.#whole === undefined
        ? Buffer.concat([this.#passOn() ?? NOTHING, ...this.#kept])
        : this.#endOfBody(this.#whole);
    const turn = { ...this.#turn.end(), ending };
    this.#startTurn();
    return turn;
  }

  inBandError(error: InBandError): string {
    return chatErrorFrames(error);
  }

  #startTurn(): void {
    this.#earlierUsage = sumOfUsages([this.#earlierUsage, this.#turn.usage]);
    if (this.#whole !== undefined) this.#earlierContents.push(...contentsOf(this.#whole));
    this.#isFirstTurn = false;
    this.#turn = this.#newTurn();
    this.#shownCalls = this.#newShownCalls();
    this.#waiting = [];
    this.#kept = [];
    this.#whole = undefined;
  }

  #newTurn(): ChatTurn {
    return new ChatTurn(this.#isOffered, () => this.#newId());
  }

  #newShownCalls(): ShownCalls {
    const turn = this.#turn;
    return new ShownCalls((call) => turn.isOurs(call));
  }

  /** Nine letters and digits, which is what the strictest of vendors takes. */
  #newId(): string {
    this.#idCount += 1;
    return `call${String(this.#idCount).padStart(5, '0')}`;
  }

  #passOn(): Buffer | undefined {
    const waiting = this.#waiting;
    this.#waiting = [];
    const shown = waiting.flatMap((frame) => this.#shown(frame) ?? []);
    return shown.length > 1 ? Buffer.concat(shown) : shown[0];
  }

  #shown({ frame, data, chunk, calls }: Waiting): Buffer | undefined {
    if (chunk === undefined) return this.#isOfEnd() || isDone(data) ? this.#keep(frame) : frame;
    const woven = this.#woven(frame, { json: Buffer.from(data), body: chunk, calls });
    const isSaying = this.#says(woven.chunk);
    this.#hasRole ||= deltasOf(woven.chunk).some(hasRole);
    // What has gone wrong is told at once: nothing may follow.
    if (hasError(chunk)) return woven.frame;
    if (this.#isOfEnd(chunk)) return this.#atEnd(woven, isSaying);
    return woven.isCut && !isSaying ? undefined : woven.frame;
  }

  /** Not every vendor says that a turn is finished before it says what it cost. */
  #isOfEnd(chunk: JsonObject = {}): boolean {
    if (this.#kept.length > 0 || isFinishing(chunk)) return true;
    return this.#turn.hasOurs && isUsageOnly(chunk);
  }

  #keep(frame: Buffer): undefined {
    this.#kept.push(frame);
  }

  #atEnd({ frame, json, chunk, isCut }: Woven, isSaying: boolean): Buffer | undefined {
    if (isSaying && this.#turn.hasOurs) {
      const { said, told } = parted(json, chunk);
      this.#kept.push(withJson(frame, told));
      return withJson(frame, said);
    }
    const isTelling = isSaying || isFinishing(chunk) || objectAt(chunk, 'usage') !== undefined;
    if (!isCut || isTelling) this.#kept.push(frame);
    return undefined;
  }

  /** Anything but a role that the caller knows. */
  #says(chunk: JsonObject): boolean {
    return deltasOf(chunk).some((delta) =>
      Object.entries(delta).some(([name, value]) =>
        name === 'role' ? !this.#hasRole : !isBlank(value),
      ),
    );
  }

  #woven(frame: Buffer, { json, body, calls }: Whole): Woven {
    const cut = this.#withoutHidden({ json, body, calls });
    const isCut = cut !== json;
    const shown = this.#asOneAnswer(cut, body);
    if (shown === json) return { frame, json, chunk: body, isCut };
    const chunk = parseObject(shown.toString()) ?? body;
    return { frame: withJson(frame, shown), json: shown, chunk, isCut };
  }

  #withoutHidden({ json, body, calls }: Whole): Buffer {
    const isRepeated = !this.#isFirstTurn && this.#hasRole && deltasOf(body).some(hasRole);
    if (!isRepeated && calls.every(({ length }) => length === 0)) return json;
    return withElements(json, body, 'choices', (choice, parsed, at) =>
      withObject(choice, parsed, 'delta', (delta, message) => {
        const shown = this.#shownCalls.shownOf(delta, message, calls[at] ?? []);
        return isRepeated && hasRole(message) ? withMembers(shown, WITHOUT_ROLE) : shown;
      }),
    );
  }

  /** With the id of the first turn, and with what all of them cost so far. */
  #asOneAnswer(json: Buffer, chunk: JsonObject): Buffer {
    const id = stringAt(chunk, 'id') || undefined;
    if (this.#isFirstTurn) {
      this.#answerId ??= id;
      return json;
    }
    const isOther = id !== undefined && this.#answerId !== undefined && id !== this.#answerId;
    const named = isOther ? withMember(json, chunk, 'id', jsonBytes(this.#answerId)) : json;
    const usage = objectAt(chunk, 'usage');
    if (usage === undefined || readChatUsage(usage) === undefined) return named;
    return withMember(named, chunk, 'usage', jsonBytes(sumOfUsages([this.#earlierUsage, usage])));
  }

  #endOfBody({ json, body, calls }: Whole): Buffer {
    const contents = [...this.#earlierContents];
    const shown = withElements(json, body, 'choices', (choice, parsed, at) =>
      withObject(choice, parsed, 'message', (whole, message) => {
        const own = this.#shownCalls.shownOf(whole, message, calls[at] ?? []);
        if (at > 0 || contents.length === 0) return own;
        const joined = joinedContents([...contents, ...contentIn(whole, message)]);
        return withMember(own, message, 'content', joined);
      }),
    );
    if (this.#isFirstTurn) return shown;
    const usage = jsonBytes(sumOfUsages([this.#earlierUsage, this.#turn.usage]));
    const counted = withMember(shown, body, 'usage', usage);
    return this.#answerId === undefined
      ? counted
      : withMember(counted, body, 'id', jsonBytes(this.#answerId));
  }
}

/** What the messages of a whole answer say. */
function contentsOf({ json, body }: Whole): Buffer[] {
  const contents: Buffer[] = [];
  withElements(json, body, 'choices', (choice, parsed) =>
    withObject(choice, parsed, 'message', (whole, message) => {
      contents.push(...contentIn(whole, message));
      return whole;
    }),
  );
  return contents;
}

function contentIn(json: Buffer, message: JsonObject): Buffer[] {
  const content = isBlank(message['content']) ? undefined : memberBytes(json, 'content');
  return content === undefined ? [] : [content];
}

function deltasOf(chunk: JsonObject): JsonObject[] {
  const choices = arrayAt(chunk, 'choices').filter(isObject);
  return choices.map((choice) => objectAt(choice, 'delta') ?? {});
}

function isBlank(value: unknown): boolean {
  return (value ?? '') === '' || (Array.isArray(value) && value.length === 0);
}

function hasRole(delta: JsonObject): boolean {
  return typeof delta['role'] === 'string';
}

function isFinishing(chunk: JsonObject): boolean {
  const choices = arrayAt(chunk, 'choices').filter(isObject);
  return choices.some((choice) => (stringAt(choice, 'finish_reason') ?? '') !== '');
}

function isUsageOnly(chunk: JsonObject): boolean {
  return arrayAt(chunk, 'choices').length === 0 && objectAt(chunk, 'usage') !== undefined;
}

function isDone(data: string): boolean {
  return data.startsWith('[DONE]');
}

function hasError(chunk: JsonObject | undefined): boolean {
  return (chunk?.['error'] ?? undefined) !== undefined;
}

/** A frame may have its data in several lines. */
function withJson(frame: Buffer, json: Buffer): Buffer {
  return withData(frame, json.toString().replaceAll('\n', ' '));
}

const NOTHING = Buffer.alloc(0);
const WITHOUT_ROLE: ReadonlyMap<string, undefined> = new Map([['role', undefined]]);
