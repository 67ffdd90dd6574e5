import { arrayAt, isObject, objectAt, stringAt, type JsonObject } from '../../../core/json.ts';
import type { WovenTurn } from '../tool-dialect.ts';
import { readChatUsage } from './chat-usage.ts';
import type { OpenCall } from './open-calls.ts';
import { argumentsOf, SaidMessage } from './said-message.ts';

/** The calls that the pieces of calls in each choice are of. */
export type CallsByChoice = readonly (readonly (OpenCall | undefined)[])[];

/** Calls of an answer that ends in another way were not made. Some vendors give no reason, or `stop`. */
const MADE: ReadonlySet<string> = new Set(['tool_calls', 'function_call', 'stop']);

/**
 * What was said in a turn. It has one choice: where there are several, as some vendors put text and
 * calls apart, these are parts of the same message.
 */
export class ChatTurn {
  readonly #isOffered: (tool: string) => boolean;
  readonly #newId: () => string;
  readonly #said = new SaidMessage();
  readonly #ids = new Map<OpenCall, string>();
  #finishReason = '';
  /** What it cost, as far as it is known. */
  usage: JsonObject = {};
  /** The end of the answer has been there. */
  isDone = false;
  /** A tool of the bridge's has been called. */
  hasOurs = false;

  constructor(isOffered: (tool: string) => boolean, newId: () => string) {
    this.#isOffered = isOffered;
    this.#newId = newId;
  }

  /** Whose a call is can be told, or will never be. */
  get isClear(): boolean {
    return this.isDone || this.#finishReason !== '' || !this.#said.hasNamelessCall;
  }

  isOurs({ tool }: OpenCall): boolean {
    return this.#isOffered(tool);
  }

  chunk(chunk: JsonObject): CallsByChoice {
    return this.#read(chunk, 'delta', (delta) => delta);
  }

  whole(answer: JsonObject): CallsByChoice {
    this.isDone = true;
    let index = 0;
    return this.#read(answer, 'message', (message) => {
      const calls = arrayAt(message, 'tool_calls').map((call) => {
        index += 1;
        return isObject(call) ? { ...call, index } : call;
      });
      return { ...message, tool_calls: calls };
    });
  }

  end(): Omit<WovenTurn, 'ending'> {
    const all = this.#said.calls;
    const isMade = this.#finishReason === '' ? this.isDone : MADE.has(this.#finishReason);
    const ours = isMade ? all.filter((call) => this.isOurs(call)) : [];
    const callers = all.filter((call) => !this.isOurs(call));
    const knownCalls = callers.flatMap(({ id }) => id ?? []);
    return {
      calls: ours.map((call) => ({
        id: this.#idOf(call),
        name: call.tool,
        input: argumentsOf(call),
      })),
      isLast: ours.length === 0 || callers.length > 0,
      // Where one has no id, it could not be told later which turn it is of.
      callersCalls: knownCalls.length === callers.length ? knownCalls : [],
      said: [this.#said.json((call) => this.#idOf(call))],
    };
  }

  #read(
    body: JsonObject,
    member: 'delta' | 'message',
    numbered: (message: JsonObject) => JsonObject,
  ): CallsByChoice {
    const usage = objectAt(body, 'usage');
    // Some vendors count along; the newest count includes those before it.
    if (usage !== undefined && readChatUsage(usage) !== undefined) this.usage = usage;
    return arrayAt(body, 'choices').map((choice) => {
      if (!isObject(choice)) return [];
      this.#finishReason = stringAt(choice, 'finish_reason') || this.#finishReason;
      const calls = this.#said.add(numbered(objectAt(choice, member) ?? {}));
      this.hasOurs ||= calls.some((call) => call !== undefined && this.isOurs(call));
      return calls;
    });
  }

  /** What tools answer is told by the id of the call, which not every vendor gives. */
  #idOf(call: OpenCall): string {
    const id = call.id ?? this.#ids.get(call) ?? this.#newId();
    this.#ids.set(call, id);
    return id;
  }
}
