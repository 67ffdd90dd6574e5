import type { JsonObject } from '../../core/json.ts';

/** What a caller is told in a stream that has gone wrong after it began. */
export interface InBandError {
  /** The bridge's, or the provider's where it is the one that failed. */
  readonly code: string;
  readonly message: string;
  readonly interceptionId: string;
  /** The error as the body of an HTTP answer would have it. */
  readonly envelope: JsonObject;
}
