/** Whose key a call is made with: one of the pool, or one that the caller brought. */
export type CredentialKind = 'centralized' | 'byok';

/** How one upstream call with one key ended, as records name it. */
export type AttemptOutcome =
  | 'served'
  | 'relayed_error'
  | 'rate_limited'
  | 'quota_exhausted'
  | 'unauthorized'
  | 'forbidden'
  | 'server_error'
  | 'transport_error'
  | 'timeout'
  | 'aborted';
