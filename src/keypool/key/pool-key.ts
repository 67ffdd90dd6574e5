import type { Clock } from '../../core/clock.ts';
import type { KeySecret } from '../../core/key-secret.ts';
import { type KeyRecord, mergeRecords, movedRecord } from './key-record.ts';
import {
  type Cooldown,
  type KeyScope,
  type KeyState,
  type Rejection,
  scopeOf,
  stateOf,
  VALID,
} from './key-state.ts';

/** Models are named by clients, so their number is not trusted. */
const MODEL_SCOPES_MAX = 64;

/** What one answer of upstream's says against a key. */
export type KeyMark = { readonly cooldown: Cooldown } | { readonly rejection: Rejection };

/**
 * One key of a pool and what is held against it. Only the pool changes it; to
 * everybody else it is a secret with a state.
 *
 * A reset opens a new chapter: marks belong to the newest reset their maker knew
 * of. That orders a mark and a reset by knowledge where it can and by the clocks
 * only where it must, so a replica whose clock lags can still mark a key that was
 * just reset, and one whose clock is ahead cannot undo the reset with old news.
 */
export class PoolKey {
  readonly secret: KeySecret;
  /** May change with the file that says so. */
  account: string | undefined;
  readonly #provider: string;
  readonly #clock: Clock;
  /** Only scopes in which something is held against the key. */
  readonly #records = new Map<KeyScope, KeyRecord>();
  #resetAtMs = 0;

  constructor(secret: KeySecret, { provider, clock }: { provider: string; clock: Clock }) {
    this.secret = secret;
    this.account = secret.account;
    this.#provider = provider;
    this.#clock = clock;
  }

  get hint(): string {
    return this.secret.hint;
  }

  get fingerprint(): string {
    return this.secret.fingerprint;
  }

  get resetAtMs(): number {
    return this.#resetAtMs;
  }

  /** Whether the key may be used in this scope: what counts against the whole key counts there too. */
  stateFor(scope: KeyScope = null): KeyState {
    if (this.#records.size === 0) return VALID;
    const wide = this.record(null);
    const record = scope === null ? wide : mergeRecords(wide, this.record(scope));
    return stateOf(record, this.#clock.nowMs());
  }

  /** The cooldown that the state for this scope comes from, if it is one: the same object as long as nothing changes it. */
  cooldownFor(scope: string): Cooldown | null {
    const { cooldown, rejection } = mergeRecords(this.record(null), this.record(scope));
    return rejection ? null : cooldown;
  }

  /** The state of each scope on its own. The whole key is always among them. */
  states(nowMs: number): Map<KeyScope, KeyState> {
    const states = new Map<KeyScope, KeyState>([[null, stateOf(this.record(null), nowMs)]]);
    for (const [scope, record] of this.#records) states.set(scope, stateOf(record, nowMs));
    return states;
  }

  /** When the whole key came into the state it is in; null when nothing is known to have happened. */
  changedAtMs(nowMs: number): number | null {
    const { cooldown, rejection } = this.record(null);
    if (rejection) return rejection.sinceMs;
    if (!cooldown) return this.#resetAtMs || null;
    return cooldown.untilMs <= nowMs ? cooldown.untilMs : cooldown.sinceMs;
  }

  /** What is known of the key in this scope alone. */
  record(scope: KeyScope): KeyRecord {
    const name = scope === null ? null : scopeOf(scope);
    return this.#records.get(name) ?? this.#nothingKnown(name);
  }

  /** A key that is rejected already stays rejected since then. */
  mark(scope: KeyScope, mark: KeyMark): void {
    const known = this.record(scope);
    if ('rejection' in mark && known.rejection) return;
    this.merge({ ...this.#nothingKnown(known.scope), ...mark });
  }

  /** Forgets every mark, and those still on their way from replicas that do not know of this. */
  reset(): void {
    const madeAtMs = [...this.#records.values()].flatMap(({ cooldown, rejection }) => [
      cooldown?.sinceMs ?? 0,
      rejection?.sinceMs ?? 0,
    ]);
    this.#records.clear();
    this.#resetAtMs = Math.max(this.#clock.nowMs(), this.#resetAtMs + 1, ...madeAtMs);
  }

  /** Takes in a record of this key, whoever made it. */
  merge(told: KeyRecord): void {
    if (told.resetAtMs > this.#resetAtMs) this.#learnReset(told.resetAtMs);
    this.#keep(mergeRecords(this.record(told.scope), told));
  }

  /** The clock has been put right: what it showed was so much too little. */
  move(byMs: number): void {
    if (this.#resetAtMs !== 0) this.#resetAtMs += byMs;
    for (const [scope, record] of this.#records) {
      this.#records.set(scope, movedRecord(record, byMs));
    }
  }

  #learnReset(resetAtMs: number): void {
    const known = [...this.#records.values()];
    this.#records.clear();
    this.#resetAtMs = resetAtMs;
    for (const record of known) {
      this.#keep(mergeRecords(this.#nothingKnown(record.scope), record));
    }
  }

  #keep(record: KeyRecord): void {
    if (record.cooldown || record.rejection) this.#records.set(record.scope, record);
    if (this.#records.size > MODEL_SCOPES_MAX + 1) this.#forgetOldestModel();
  }

  #nothingKnown(scope: KeyScope): KeyRecord {
    const { fingerprint, hint, resetAtMs } = this;
    const provider = this.#provider;
    return { provider, fingerprint, hint, scope, resetAtMs, cooldown: null, rejection: null };
  }

  /**
   * A forgotten model costs one more refused attempt; an unbounded map could cost the process. What
   * is over goes first.
   */
  #forgetOldestModel(): void {
    const nowMs = this.#clock.nowMs();
    const models = [...this.#records].filter(([scope]) => scope !== null);
    const [oldest] = models;
    const over = models.find(([, record]) => stateOf(record, nowMs) === VALID);
    const [scope] = over ?? oldest ?? [];
    if (scope !== undefined) this.#records.delete(scope);
  }
}
