import type { JsonObject } from '../core/json.ts';
import type { Secret } from '../core/secret.ts';

/** A call in the words of its API. */
export interface ApiRequest {
  readonly json: Buffer;
  /** What the text was parsed to. */
  readonly parsed: JsonObject;
  /** The values of a header of the caller's, each as it was sent. */
  readonly valuesOf: (header: string) => readonly string[];
}

/** What a call becomes, worked out once, whatever key it is made with. */
export type Translation =
  | {
      readonly kind: 'translated';
      /** The model that is asked of the provider. */
      readonly model: string;
      /** To be joined to the base URL. The caller's query does not go along. */
      readonly path: string;
      readonly json: Buffer;
      /** All that is sent besides what every call has; names and values in turn. */
      readonly headers: readonly string[];
      /** What the record is to say of the changes. */
      readonly notes: readonly string[];
    }
  /** What would be lost on the way is more than the call can do without. */
  | { readonly kind: 'refused'; readonly model: string; readonly reason: string };

/** A request as it goes on the wire, but for what opens the provider. */
export interface UnsignedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Buffer | undefined;
}

/** The head of an answer. */
export interface AnswerHead {
  readonly status: number;
  readonly valueOf: (header: string) => string | undefined;
}

export interface TranslatedError {
  readonly status: number;
  readonly json: Buffer;
}

/** Turns the bytes of a stream into server-sent events, however they are cut. */
export interface StreamDecoder {
  /** What is whole by now; empty when that is nothing new. */
  pass(bytes: Buffer): Buffer;
  /** Why nothing can be read after that, in words for the record. */
  readonly failure: string | undefined;
  /** Whether the stream may end here. */
  readonly isBetweenFrames: boolean;
}

/**
 * Stands between the words of an API and those of a provider that has the API's models, but words
 * of its own for them. Knows the settings of one instance, and keeps nothing from call to call.
 */
export interface Translator {
  request(request: ApiRequest): Translation;
  /** The headers that open the provider to a request; names and values in turn. */
  authorise(request: UnsignedRequest, key: Secret, nowMs: number): Promise<readonly string[]>;
  /** An error in the envelope of the API; undefined for what is relayed as it came. */
  error(head: AnswerHead, body: Buffer): TranslatedError | undefined;
  /** Undefined for an answer that is in the words of the API already. */
  streamDecoder(head: AnswerHead): Promise<StreamDecoder | undefined>;
}
