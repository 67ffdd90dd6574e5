import type { ErrorCode } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { SseEvent } from '../../core/sse-reader.ts';
import type { UpstreamError } from '../../providers/index.ts';
import type { ApiName, ThoughtSource, TokenCounts } from '../../recording/index.ts';

/**
 * What an API adds to the one data path: how its requests read, how its answers
 * read, and how an error looks inside its stream. Readers see copies of what is
 * relayed; they look at the few fields they need and never judge the rest.
 */
export interface Api {
  readonly name: ApiName;
  readRequest(body: JsonObject): RequestFacts;
  readStream(): StreamReader;
  readAnswer(body: JsonObject): Findings;
  /**
   * For a request whose answer would tell the audit too little: what goes upstream
   * in its place. Undefined, as for most, sends it as it came.
   */
  amendRequest?(body: JsonObject, json: Buffer): Amendment | undefined;
  /** The frame that ends a stream which has gone wrong after it began. */
  inBandError(error: InBandError): string;
}

export interface RequestFacts {
  readonly model: string;
  readonly isStreaming: boolean;
  /** What the user asked last; undefined when the request carries no new prompt. */
  readonly prompt: string | undefined;
  readonly correlatingToolCallId: string | undefined;
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
  /** What the stream has said so far. */
  findings(): Findings;
}

export interface Findings {
  readonly messageId: string | null;
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
}

export interface ThoughtFinding {
  readonly source: ThoughtSource;
  readonly text: string;
}

export interface InBandError {
  readonly code: ErrorCode;
  readonly message: string;
  /** The error as the body of an HTTP answer would have it. */
  readonly envelope: JsonObject;
}

export const NOTHING_FOUND: Findings = {
  messageId: null,
  usage: undefined,
  tools: [],
  thoughts: [],
  error: undefined,
};
