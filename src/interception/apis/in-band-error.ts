import type { ErrorCode } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';

/** What a caller is told in a stream that has gone wrong after it began. */
export interface InBandError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly interceptionId: string;
  /** The error as the body of an HTTP answer would have it. */
  readonly envelope: JsonObject;
}
