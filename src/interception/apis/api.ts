import type { BridgedApi } from '../../core/api-name.ts';
import type { JsonObject } from '../../core/json.ts';
import type { SseEvent } from '../../core/sse-reader.ts';
import type { OfferedTool } from '../../mcp/index.ts';
import type { UpstreamError } from '../../providers/index.ts';
import type { ThoughtSource, TokenCounts } from '../../recording/index.ts';
import type { Gaps } from './gaps.ts';
import type { InBandError } from './in-band-error.ts';
import type { ToolDialect } from './tool-dialect.ts';

/**
 * What an API adds to the one data path: how its requests read, how its answers
 * read, and how an error looks inside its stream. Readers see copies of what is
 * relayed; they look at the few fields they need and never judge the rest.
 */
export interface Api {
  readonly name: BridgedApi;
  /** What stands between the texts of one turn when they are recorded as one prompt. */
  readonly textsJoinedBy: string;
  readRequest(body: JsonObject): RequestFacts;
  /** What cannot be read goes into the gaps. `choicesAsked`: how many answers the request wants. */
  readStream(gaps: Gaps, choicesAsked: number): StreamReader;
  readAnswer(body: JsonObject, gaps: Gaps): Findings;
  /**
   * For a request whose answer would tell the audit too little: what goes upstream
   * in its place. Undefined, as for most, sends it as it came.
   */
  amendRequest?(body: JsonObject, json: Buffer): Amendment | undefined;
  /** How the bridge's own tools take part. */
  readonly tools?: ToolDialect;
}

export interface RequestFacts {
  readonly model: string;
  readonly isStreaming: boolean;
  /** How many answers are asked for; undefined for one. */
  readonly choicesAsked?: number | undefined;
  /** What the caller adds to the conversation, oldest first: all since the model last spoke. */
  readonly turn: readonly TurnPart[];
}

/** One message of the caller's, or the result of a tool. */
export interface TurnPart {
  readonly texts: readonly string[];
  /** The tool calls whose results it carries. */
  readonly toolCallIds: readonly string[];
  /** The client's instructions that stand behind it, in which it may hand on what the user typed. */
  readonly asides?: readonly string[];
}

export interface Amendment {
  /** The request's body, with as little changed as possible. */
  readonly json: Buffer;
  /** Whether a frame of the stream is only there because of the change, and none of the caller's business. */
  readonly hides: (frame: Buffer) => boolean;
}

export interface StreamReader {
  /** Answers `true` for the event that properly ends a stream of this API. */
  event(event: SseEvent): boolean;
  /**
   * All of the answer has been said, though the event that ends its stream may still be
   * missing: a provider that hangs up now has not kept anything back.
   */
  readonly isFinished: boolean;
  /** Nothing more will come. Called once. */
  end(): void;
  /** What the stream has said so far. */
  findings(): Findings;
  /** The frame that ends this stream when it has gone wrong after it began. */
  inBandError(error: InBandError): string;
}

export interface Findings {
  readonly messageId: string | null;
  /** The model that the answer says it comes from. */
  readonly servedModel: string | null;
  readonly usage: UsageFinding | undefined;
  readonly tools: readonly ToolFinding[];
  readonly thoughts: readonly ThoughtFinding[];
  /** The provider's own error, when the answer carries one. */
  readonly error: UpstreamError | undefined;
}

export interface UsageFinding extends TokenCounts {
  /** What else was counted, by name. */
  readonly extra: Readonly<Record<string, number>>;
}

export interface ToolFinding {
  readonly toolCallId: string | null;
  readonly tool: string;
  readonly input: string | null;
  /** The bridge's tool that was called, and not run: the answer ended too early for that. */
  readonly notRun?: OfferedTool;
}

export interface ThoughtFinding {
  readonly source: ThoughtSource;
  readonly text: string;
}

export type { InBandError };

export const NOTHING_FOUND: Findings = {
  messageId: null,
  servedModel: null,
  usage: undefined,
  tools: [],
  thoughts: [],
  error: undefined,
};
