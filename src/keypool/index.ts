export { type HeaderReader, readRetryAfterMs } from './key/cooldown.ts';
export { KeyPool, type KeyPoolSettings, type KeySnapshot } from './pool/key-pool.ts';
export type { CooldownReason, KeyScope, KeyState, RejectReason } from './key/key-state.ts';
export { type DrillRefusal, drillRefusal } from './pool/drill.ts';
export { KeyProbe, type ProbeResult } from './recheck/key-probe.ts';
export { KeyRecheck } from './recheck/key-recheck.ts';
export { type KeyEvent, type KeyEventQuery, KeyStateStore } from './pool/key-state-store.ts';
export type { KeyTransition, KeyTransitionListener, ResetReason } from './key/key-transition.ts';
export {
  classify,
  effectiveStatus,
  type KeyVerdict,
  type VerdictSettings,
  type UpstreamReply,
} from './key/key-verdict.ts';
export type { PoolKey } from './key/pool-key.ts';
export type { KeyRecord } from './key/key-record.ts';
export type { TrialOutlook } from './pool/trials.ts';
export { PoolExhausted, type Walker } from './pool/walker.ts';
