import { Injectable } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';
import { BridgeConfig } from '../../config/index.ts';
import type { KeySecret } from '../../core/key-secret.ts';
import { Logger } from '../../telemetry/index.ts';
import { KeyLog } from './key-log.ts';
import { KeyPool } from './key-pool.ts';
import { KeyClock } from '../key/key-clock.ts';
import type { KeyRecord } from '../key/key-record.ts';
import type { KeyTransition } from '../key/key-transition.ts';

/** A pool and whose it is. */
export interface ProviderPool {
  readonly provider: string;
  readonly providerType: string;
  readonly pool: KeyPool;
}

/** The pools of this process, one per provider that has keys. */
@Injectable()
export class KeyPoolsService {
  readonly #pools = new Map<string, ProviderPool>();
  readonly #transitions = new Subject<KeyTransition>();
  readonly #reloads = new Subject<string>();
  readonly #log: KeyLog;

  constructor(
    config: BridgeConfig,
    clock: KeyClock,
    private readonly logger: Logger,
  ) {
    this.#log = new KeyLog(logger);
    for (const { name, type, keys } of config.providers) {
      if (keys.length === 0) continue;
      const pool = new KeyPool(keys, {
        provider: name,
        clock,
        cooldownDefaultMs: config.keys.cooldownDefaultMs,
        cooldownMaxMs: config.keys.cooldownMaxMs,
        onTransition: (transition) => {
          this.#log.heard(transition, pool);
          this.#transitions.next(transition);
        },
      });
      this.#pools.set(name, { provider: name, providerType: type, pool });
    }
  }

  /** In configured order. */
  get all(): readonly ProviderPool[] {
    return [...this.#pools.values()];
  }

  /**
   * Whatever becomes known about a key, be it seen here or told by another process; count
   * only what is a change of state. Subscribers run in the middle of requests: they must not wait.
   */
  get transitions(): Observable<KeyTransition> {
    return this.#transitions;
  }

  /** The provider whose keys have just been replaced. */
  get reloads(): Observable<string> {
    return this.#reloads;
  }

  /** Undefined where callers bring their own keys. */
  poolOf(provider: string): KeyPool | undefined {
    return this.#pools.get(provider)?.pool;
  }

  /** What another process knows. Keys that this one does not have are ignored. */
  learn(told: KeyRecord): void {
    this.poolOf(told.provider)?.merge(told);
  }

  /** The clock of the pools has been put right. */
  move(byMs: number): void {
    for (const { pool } of this.#pools.values()) pool.move(byMs);
  }

  /** Unchanged keys keep their state, requests under way their keys. */
  replaceKeys(provider: string, secrets: readonly KeySecret[]): void {
    const pool = this.poolOf(provider);
    if (pool === undefined) return;
    const before = pool.keys.map(({ fingerprint }) => fingerprint);
    const after = secrets.map(({ fingerprint }) => fingerprint);
    const accounts = pool.keys.map(({ account }) => account);
    const isSame =
      before.length === after.length &&
      pool.keys.every(({ secret }, position) => secrets[position]?.isSameAs(secret));
    if (isSame && accounts.join() === secrets.map(({ account }) => account).join()) return;
    pool.replaceKeys(secrets);
    const added = after.filter((fingerprint) => !before.includes(fingerprint)).length;
    const removed = before.filter((fingerprint) => !after.includes(fingerprint)).length;
    this.logger.info('keys reloaded', { provider, keys: after.length, added, removed });
    this.#reloads.next(provider);
  }
}
