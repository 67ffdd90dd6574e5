/**
 * Every failure the bridge itself can show a caller on the data plane. The code
 * is the contract (`x-aibridge-error`): it is never renamed or reused.
 */
export const ERROR_STATUS = {
  no_identity: 401,
  byok_disabled: 403,
  no_credential: 401,
  bad_request: 400,
  body_too_large: 413,
  unsupported_encoding: 415,
  unknown_route: 404,
  method_not_allowed: 405,
  upgrade_required: 426,
  keys_rate_limited: 429,
  keys_rejected: 502,
  breaker_open: 503,
  upstream_unreachable: 502,
  upstream_timeout: 504,
  upstream_truncated: 502,
  upstream_malformed: 502,
  audit_unavailable: 503,
  draining: 503,
  internal: 500,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

interface ErrorDetail {
  /** Safe to send to the caller: no host names, no key material. */
  readonly public: string;
  /** For logs and traces only. */
  readonly internal?: string;
  readonly retryAfterMs?: number;
  /** What the answer says besides, as names and values in turn. */
  readonly headers?: readonly string[];
  readonly cause?: unknown;
}

export class BridgeError extends Error {
  override readonly name = 'BridgeError';
  readonly code: ErrorCode;
  readonly detail: ErrorDetail;
  readonly status: number;

  constructor(code: ErrorCode, detail: ErrorDetail) {
    super(detail.internal ?? detail.public, { cause: detail.cause });
    this.code = code;
    this.detail = detail;
    this.status = ERROR_STATUS[code];
  }
}

/** Any thrown thing as text, for logs and records. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Marks a branch that the types say is unreachable; reaching it is our bug, not the caller's. */
export function unreachable(value: never, where: string): never {
  throw new BridgeError('internal', {
    public: 'Internal error.',
    internal: `${where}: unexpected ${JSON.stringify(value)}`,
  });
}
