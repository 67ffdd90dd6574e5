const REASON_LENGTH_MAX = 500;

/** In which way a server did not do what it was asked to. */
export type WireFailureKind =
  /** It did not answer in time. */
  | 'timeout'
  /** There is no connection to it. */
  | 'unreachable'
  /** It does not know the session any more, and so has not run anything. */
  | 'session_lost'
  /** It answered with an HTTP status that is none of success. */
  | 'http'
  /** It said no in the words of the protocol. */
  | 'refused'
  /** The connection was gone before the answer was there. */
  | 'broken_off'
  | 'too_large'
  /** It speaks only versions of the protocol without sessions. */
  | 'sessionless'
  /** What it sent is not the protocol, or a version of it that nobody here speaks. */
  | 'unreadable';

export class WireFailure extends Error {
  override readonly name = 'WireFailure';
  readonly kind: WireFailureKind;

  /** The reason is for operators and the record: no address, and of what the server sent only its refusals. */
  constructor(kind: WireFailureKind, reason: string, options?: ErrorOptions) {
    super(oneLine(reason), options);
    this.kind = kind;
  }
}

/** Whatever else is thrown on the way is about what the server sent. */
export function asWireFailure(error: unknown): WireFailure {
  if (error instanceof WireFailure) return error;
  return new WireFailure('unreadable', 'its answer could not be read', { cause: error });
}

/** Without what could make a second line of it in a log, and not longer than is read. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, REASON_LENGTH_MAX);
}
