import type { Clock } from '../../core/clock.ts';
import type { KeySecret } from '../../core/key-secret.ts';
import { assertKeyList } from './key-list.ts';
import { KeyRoster } from './key-roster.ts';
import type { KeyRecord } from '../key/key-record.ts';
import { type KeyScope, type KeyState, VALID } from '../key/key-state.ts';
import type { KeyTransition, KeyTransitionListener, ResetReason } from '../key/key-transition.ts';
import { type KeyVerdict, QUOTA_COOLDOWN_MS } from '../key/key-verdict.ts';
import { type KeyMark, PoolKey } from '../key/pool-key.ts';
import { type Trial, type TrialOutlook, Trials } from './trials.ts';
import { type PoolExhausted, Walker } from './walker.ts';

export interface KeyPoolSettings {
  readonly provider: string;
  readonly clock: Clock;
  /** Used when upstream names no cooldown. */
  readonly cooldownDefaultMs: number;
  /** Bounds what upstream names. */
  readonly cooldownMaxMs: number;
  readonly onTransition?: KeyTransitionListener;
}

export interface KeySnapshot {
  readonly position: number;
  readonly fingerprint: string;
  readonly hint: string;
  readonly state: KeyState;
  /** Undefined: nobody has said. */
  readonly account: string | undefined;
  /** When it came into this state, as far as anybody remembers; null for a key that was never marked. */
  readonly changedAtMs: number | null;
  /** Only the models the key is sidelined for. */
  readonly models: readonly { readonly model: string; readonly state: KeyState }[];
}

/** A rate limit that an operator plays, to see that calls go elsewhere. */
export interface Drill {
  readonly scope: KeyScope;
  readonly forMs: number;
  readonly actor: string;
}

/** `reason` is that of a key which becomes valid; a mark says for itself why it was made. */
type Cause = Pick<KeyTransition, 'origin' | 'reason' | 'actor' | 'atMs'>;

/**
 * The keys of one provider. Every call prefers the first healthy key in configured
 * order; nothing rotates, because a vendor's prompt cache belongs to the account
 * behind the key. The pool is shared by all requests and never waits or fails.
 */
export class KeyPool {
  readonly #settings: KeyPoolSettings;
  readonly #trials = new Trials();
  #roster: KeyRoster;

  constructor(secrets: readonly KeySecret[], settings: KeyPoolSettings) {
    assertKeyList(secrets);
    this.#settings = settings;
    this.#roster = new KeyRoster(secrets.map((secret) => new PoolKey(secret, settings)));
  }

  /** In configured order. */
  get keys(): readonly PoolKey[] {
    return this.#roster.keys;
  }

  /** A fresh walk, for one logical upstream call; each turn of a tool loop is one. */
  walk(model = ''): Walker {
    return new Walker(this.#roster, this.#settings.clock, model);
  }

  /**
   * A guess must not black out the last way. When every key is sidelined, and the one that is back
   * first cools down for as long as nobody but us has said, one call at a time finds out.
   */
  trial({ soonest: key }: PoolExhausted, model: string): Trial | undefined {
    const { clock } = this.#settings;
    const cooldown = key?.cooldownFor(model);
    if (!key || !cooldown || !this.#trials.begin(cooldown, clock.nowMs())) return undefined;
    return {
      key,
      end: (isServed) => {
        this.#trials.end(cooldown, clock.nowMs());
        // What was heard of the key meanwhile is newer than what the call has found out.
        if (isServed && key.cooldownFor(model) === cooldown) {
          this.reset(key.fingerprint, 'trial_passed');
        }
      },
    };
  }

  /** Whether and when a call may find out, without letting one. */
  trialOutlook({ soonest }: PoolExhausted, model: string): TrialOutlook | undefined {
    const cooldown = soonest?.cooldownFor(model);
    return cooldown ? this.#trials.outlook(cooldown, this.#settings.clock.nowMs()) : undefined;
  }

  /** How long a key that gets this verdict cools down. */
  cooldownMs(verdict: CoolVerdict): number {
    if (verdict.reason === 'quota_exhausted') return QUOTA_COOLDOWN_MS;
    const { cooldownDefaultMs, cooldownMaxMs } = this.#settings;
    return Math.min(isGuess(verdict) ? cooldownDefaultMs : verdict.forMs, cooldownMaxMs);
  }

  /**
   * Holds a verdict against a key, and one about its account against all keys of that account.
   * Returns the change of this key, or undefined when there was none.
   */
  mark(
    key: PoolKey,
    verdict: KeyVerdict,
    reply: { readonly status: number; readonly model?: string },
  ): KeyTransition | undefined {
    if (verdict.kind === 'healthy') return undefined;
    const scope = scopeOfMark(verdict, reply.model ?? '');
    const atMs = this.#settings.clock.nowMs();
    const mark = this.#markOf(verdict, reply.status, atMs);
    const cause: Cause = { origin: 'local', reason: verdict.reason, actor: null, atMs };
    const others = verdict.scope === 'account' ? this.#roster.sharingAccountOf(key) : [];
    const [changed] = [key, ...others].map((each) =>
      this.#change(each, cause, () => each.mark(scope, mark)),
    );
    return changed?.[0];
  }

  /** Holds against a key what a rate limit of the provider's would, without one. */
  drill(key: PoolKey, { scope, forMs, actor }: Drill): void {
    const atMs = this.#settings.clock.nowMs();
    const untilMs = atMs + Math.min(forMs, this.#settings.cooldownMaxMs);
    const reason = 'drill';
    const cooldown = { reason, status: 429, sinceMs: atMs, untilMs, isGuess: false } as const;
    const cause: Cause = { origin: 'local', reason, actor, atMs };
    this.#change(key, cause, () => key.mark(scope, { cooldown }));
  }

  /** Makes a key valid for everything. Always reported, so that other replicas follow. */
  reset(
    fingerprint: string,
    reason: ResetReason,
    actor: string | null = null,
  ): readonly KeyTransition[] {
    const key = this.#roster.find(fingerprint);
    if (!key) return [];
    const atMs = this.#settings.clock.nowMs();
    return this.#change(key, { origin: 'local', reason, actor, atMs }, () => key.reset());
  }

  /** Takes in what another replica knows. Keys that this pool does not have are ignored. */
  merge(remote: KeyRecord): readonly KeyTransition[] {
    const key = this.#roster.find(remote.fingerprint);
    if (!key) return [];
    const atMs = this.#settings.clock.nowMs();
    const cause: Cause = { origin: 'remote', reason: 'remote_reset', actor: null, atMs };
    return this.#change(key, cause, () => key.merge(this.#withBoundedCooldown(remote, atMs)));
  }

  /** The clock has been put right: everything noted by it moves along. */
  move(byMs: number): void {
    for (const key of this.keys) {
      key.move(byMs);
      this.#roster.refile(key);
    }
  }

  /** Hot reload: unchanged keys keep their state, walkers under way keep their keys. */
  replaceKeys(secrets: readonly KeySecret[]): void {
    assertKeyList(secrets);
    const known = new Map(this.keys.map((key) => [key.secret.reveal(), key]));
    this.#roster = new KeyRoster(
      secrets.map((secret) => {
        const old = known.get(secret.reveal());
        const key = old?.secret.isSameAs(secret) ? old : new PoolKey(secret, this.#settings);
        key.account = secret.account;
        return key;
      }),
    );
  }

  /** For diagnosis, in configured order. */
  snapshot(): readonly KeySnapshot[] {
    const nowMs = this.#settings.clock.nowMs();
    return this.keys.map((key, position) => ({
      position,
      fingerprint: key.fingerprint,
      hint: key.hint,
      account: key.account,
      state: key.stateFor(),
      changedAtMs: key.changedAtMs(nowMs),
      models: [...key.states(nowMs)].flatMap(([model, state]) =>
        model === null || state.kind === 'valid' ? [] : [{ model, state }],
      ),
    }));
  }

  #markOf(
    verdict: Exclude<KeyVerdict, { kind: 'healthy' }>,
    status: number,
    sinceMs: number,
  ): KeyMark {
    if (verdict.kind === 'reject') {
      return { rejection: { reason: verdict.reason, status, sinceMs } };
    }
    const untilMs = sinceMs + this.cooldownMs(verdict);
    const { reason } = verdict;
    return { cooldown: { reason, status, sinceMs, untilMs, isGuess: isGuess(verdict) } };
  }

  /** A replica whose clock runs ahead must not sideline a key for longer than anybody may. */
  #withBoundedCooldown(remote: KeyRecord, nowMs: number): KeyRecord {
    if (!remote.cooldown) return remote;
    const longestMs = Math.max(this.#settings.cooldownMaxMs, QUOTA_COOLDOWN_MS);
    const untilMs = Math.min(remote.cooldown.untilMs, nowMs + longestMs);
    return { ...remote, cooldown: { ...remote.cooldown, untilMs } };
  }

  /** Compares at one moment: a cooldown that happens to end meanwhile is no part of the change. */
  #change(key: PoolKey, cause: Cause, apply: () => void): readonly KeyTransition[] {
    const before = key.states(cause.atMs);
    const resetBeforeMs = key.resetAtMs;
    apply();
    this.#roster.refile(key);
    const after = key.states(cause.atMs);
    const isReset = key.resetAtMs !== resetBeforeMs;
    // Without a reset a model that is gone was only forgotten, to make room; nobody needs to know.
    const scopes = isReset ? new Set([...before.keys(), ...after.keys()]) : after.keys();
    const transitions: KeyTransition[] = [];
    for (const scope of scopes) {
      const from = before.get(scope) ?? VALID;
      const to = after.get(scope) ?? VALID;
      if (!(isReset && scope === null) && !differ(from, to)) continue;
      transitions.push(this.#transition(key, scope, { from, to, ...cause }));
    }
    for (const transition of transitions) this.#settings.onTransition?.(transition);
    return transitions;
  }

  #transition(
    key: PoolKey,
    scope: KeyScope,
    { from, to, reason, ...cause }: Cause & { from: KeyState; to: KeyState },
  ): KeyTransition {
    return {
      provider: this.#settings.provider,
      fingerprint: key.fingerprint,
      hint: key.hint,
      scope,
      from,
      to,
      isStateChange: from.kind !== to.kind,
      reason: to.kind === 'valid' ? reason : to.reason,
      status: to.kind === 'valid' ? null : to.status,
      cooldownMs: to.kind === 'temporary' ? to.remainingMs : null,
      record: key.record(scope),
      ...cause,
    };
  }
}

type CoolVerdict = KeyVerdict & { readonly kind: 'cool' };

function isGuess({ forMs }: CoolVerdict): boolean {
  return forMs <= 0;
}

/** A limit that a request without a model has met is one of the key. */
function scopeOfMark(verdict: Exclude<KeyVerdict, { kind: 'healthy' }>, model: string): KeyScope {
  const isOfModel = verdict.scope === 'model' && (verdict.kind === 'reject' || model !== '');
  return isOfModel ? model : null;
}

function differ(from: KeyState, to: KeyState): boolean {
  if (from.kind === 'temporary' && to.kind === 'temporary') return from.untilMs !== to.untilMs;
  return from.kind !== to.kind;
}
