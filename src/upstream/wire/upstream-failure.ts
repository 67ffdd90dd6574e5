import { errors } from 'undici';
import { errorText } from '../../core/errors.ts';

/**
 * Why a provider's answer did not come, or is none: nothing came at all, not in time,
 * not to its end, or something else than HTTP and the API have it. `aborted` is ours:
 * the caller went away, or nobody needs the answer any more.
 */
export type UpstreamFailureKind = 'unreachable' | 'timeout' | 'truncated' | 'malformed' | 'aborted';

export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure';

  constructor(
    readonly kind: UpstreamFailureKind,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/** How far an answer had come: not a byte, the first of its bytes, or all of its head. */
export type AnswerProgress = 'none' | 'begun' | 'head';

/** What an error of the HTTP client says about the provider. */
export function failureOf(error: Error, progress: AnswerProgress): UpstreamFailure {
  if (error instanceof UpstreamFailure) return error;
  if (error instanceof errors.ConnectTimeoutError) {
    return new UpstreamFailure('timeout', 'connecting to the provider took too long', error);
  }
  return new UpstreamFailure(
    kindOf(error, progress),
    PLAIN[error.message] ?? errorText(error),
    error,
  );
}

function kindOf(error: Error, progress: AnswerProgress): UpstreamFailureKind {
  if (progress === 'head') return 'truncated';
  // Of what is no HTTP from its first byte on, the client does not say that it began.
  if (error instanceof errors.HTTPParserError) return 'malformed';
  if (progress === 'none') return 'unreachable';
  return isHangUp(error) ? 'truncated' : 'malformed';
}

/** The connection ended or was lost; otherwise the client itself gave up what it could not read. */
function isHangUp(error: Error): boolean {
  return 'syscall' in error || error.message === 'other side closed';
}

/** What the HTTP client, which cannot go on after either, calls `bad response` and `bad upgrade`. */
const PLAIN: Readonly<Record<string, string>> = {
  'bad response': 'the provider sent an interim answer without an end',
  'bad upgrade': 'the provider switched protocols, which nobody had asked for',
};
