import type { JsonObject } from '../../core/json.ts';
import type { OfferedTool, ToolResult } from '../../mcp/index.ts';
import type { InBandError } from './in-band-error.ts';

/**
 * How an API offers the bridge's own tools beside the caller's, and goes on when the model calls
 * them. Requests are edited as text: what stands around an edit stays as it came.
 */
export interface ToolDialect {
  /** The names of the caller's tools; a text instead says why none may be added. */
  callersTools(body: JsonObject): ReadonlySet<string> | string;
  withTools(request: RequestText, tools: readonly OfferedTool[]): Buffer;
  /** The request that goes on from here; what it adds comes last in the conversation. */
  continued(request: RequestText, elements: readonly Buffer[]): Buffer;
  /** The same request, of which the answer must not call any tool. */
  withoutCalls(request: RequestText): Buffer;
  /** What tells the model of the results, in the order of the calls: elements of the conversation. */
  resultsOf(results: readonly AnsweredCall[]): readonly Buffer[];
  /**
   * The request with what was kept from its caller put back: turns of the conversation as the
   * model knows them, found by their names: calls of the caller's tools in them, and what else the API
   * has its callers repeat. Undefined when there is none.
   */
  restored(request: RequestText, kept: (name: string) => KeptTurns | undefined): Buffer | undefined;
  startWeaving(isOffered: (tool: string) => boolean): Weaver;
}

/** A request as it goes upstream, and what it says. */
export interface RequestText {
  readonly json: Buffer;
  readonly body: JsonObject;
}

/** A call of one of the bridge's tools. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** As the model wrote it. */
  readonly input: string;
}

export interface AnsweredCall {
  readonly call: ToolCall;
  readonly result: ToolResult;
}

/**
 * Makes one answer of the turns that it takes to give it. What belongs to the bridge's tools is
 * taken out, and what is left is numbered as in one answer. An answer of one turn in which none of
 * them is called stays byte for byte as it came.
 */
export interface Weaver {
  /** A frame of the turn's stream as the caller gets it; undefined when it does not, or not yet. */
  frame(frame: Buffer): Buffer | undefined;
  /** The whole answer of a turn that is no stream. */
  body(json: Buffer, body: JsonObject): void;
  /** What the turn came to, once it is there as a whole; what is read next is of the next one. */
  endTurn(): WovenTurn;
  /** For a caller of a stream that waits while tools run. */
  readonly keepAlive: Buffer;
  /** The frame that ends the caller's stream when it has gone wrong. */
  inBandError(error: InBandError): string;
}

export interface WovenTurn {
  /** Calls of the bridge's tools, in their order. None when the turn ended before they were made. */
  readonly calls: readonly ToolCall[];
  /** The caller's turn has come: the model is done, or wants tools of the caller's as well. */
  readonly isLast: boolean;
  /** Calls of the caller's own tools. */
  readonly callersCalls: readonly string[];
  /** What ends the answer for the caller when this is its last turn: frames, or the whole body. */
  readonly ending: Buffer;
  /** The turn as the model is to see it again: elements of the conversation. */
  readonly said: readonly Buffer[];
  /**
   * What the caller's next request may name of the answer, if this is its end and there is something
   * to be put back then. Without them only a mixed turn is kept, by the first of the caller's calls.
   */
  readonly names?: readonly string[];
  /** The provider's id of the turn, where the caller knows the answer by another one. */
  readonly lastId?: string;
}

/** What the caller of an answer was not shown, and the model has to see again. */
export interface KeptTurns {
  /** What came before the last turn: what was said and what tools answered. */
  readonly before: readonly Buffer[];
  readonly said: readonly Buffer[];
  readonly results: readonly AnsweredCall[];
  /** The calls that the caller knows of. */
  readonly callersCalls: readonly string[];
  /** By which it is found; the first of the caller's calls where there are none. */
  readonly names?: readonly string[];
  readonly lastId?: string;
}
