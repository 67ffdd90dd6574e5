export {
  type HeaderReader,
  parseDurationMs,
  parseTimestampMs,
  type RateLimit,
  readRetryAfterMs,
} from './cooldown.ts';
export { KeyPool, type KeyPoolSettings, type KeySnapshot } from './key-pool.ts';
export type { CoolReason, KeyScope, KeyState, RejectReason } from './key-state.ts';
export { KeyProbe, type ProbeResult } from './key-probe.ts';
export { type KeyEvent, type KeyEventQuery, KeyStateStore } from './key-state-store.ts';
export type { KeyTransition, KeyTransitionListener, ResetReason } from './key-transition.ts';
export {
  classify,
  effectiveStatus,
  type ErrorPattern,
  type KeyFailures,
  type KeyVerdict,
  type UpstreamError,
  type UpstreamReply,
} from './key-verdict.ts';
export type { PoolKey } from './pool-key.ts';
export type { SharedKeyState } from './shared-key-state.ts';
export { PoolExhausted, type Walker } from './walker.ts';
