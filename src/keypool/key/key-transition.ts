import type { KeyRecord } from './key-record.ts';
import type { CooldownReason, KeyScope, KeyState, RejectReason } from './key-state.ts';

export type ResetReason = 'operator_reset' | 'recheck_passed' | 'trial_passed' | 'remote_reset';

/**
 * A change in what is known about a key, as data for whoever logs, counts or
 * shares it. Not every change is a change of state: a longer cooldown and the
 * reset of a valid key must be shared too, but only `isStateChange` ones are news.
 */
export interface KeyTransition {
  readonly provider: string;
  readonly fingerprint: string;
  readonly hint: string;
  readonly scope: KeyScope;
  readonly from: KeyState;
  readonly to: KeyState;
  readonly isStateChange: boolean;
  readonly reason: CooldownReason | RejectReason | ResetReason;
  /** The upstream status that caused it, if one did. */
  readonly status: number | null;
  /** The cooldown as applied, the default and the cap included. */
  readonly cooldownMs: number | null;
  readonly atMs: number;
  /** The operator who asked for it, if one did. */
  readonly actor: string | null;
  /** `remote` changes come from another replica and are not to be shared again. */
  readonly origin: 'local' | 'remote';
  /** What is known of the key in this scope after it. */
  readonly record: KeyRecord;
}

/** Must neither throw nor wait: it is called in the middle of a request. */
export type KeyTransitionListener = (transition: KeyTransition) => void;
