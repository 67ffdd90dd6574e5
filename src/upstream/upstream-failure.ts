/**
 * Why a provider's answer did not come, or did not come to its end.
 * `aborted` is ours: the caller went away, or nobody needs the answer any more.
 */
export type UpstreamFailureKind = 'unreachable' | 'timeout' | 'truncated' | 'aborted';

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
