import { Injectable } from '@nestjs/common';
import { BridgeConfig } from '../config/index.ts';
import { type DrillRefusal, drillRefusal, KeyStateStore } from '../keypool/index.ts';
import { KeyPoolsService } from '../keypool/pool/key-pools.service.ts';
import type { KeyDrillQuery, KeyEventsQuery, KeysQuery } from './key-query.ts';
import { keyEventItem, keyItem, type KeyEventPage, type KeyItem } from './key-shape.ts';

/** The pool keys for operators. Their state is what this process goes by, also while the database is away. */
@Injectable()
export class KeysService {
  constructor(
    private readonly pools: KeyPoolsService,
    private readonly store: KeyStateStore,
    private readonly config: BridgeConfig,
  ) {}

  list({ provider: wanted }: KeysQuery): KeyItem[] {
    return this.pools.all
      .filter(({ provider }) => wanted?.includes(provider) ?? true)
      .flatMap(({ pool, ...owner }) => pool.snapshot().map((key) => keyItem(owner, key)));
  }

  /** Undefined when there is no such key. */
  reset(provider: string, fingerprint: string, actor: string): KeyItem | undefined {
    this.pools.poolOf(provider)?.reset(fingerprint, 'operator_reset', actor);
    return this.#keyNamed(provider, fingerprint);
  }

  /** Undefined when there is no such key. */
  drill(
    { provider, fingerprint }: Pick<KeyItem, 'provider' | 'fingerprint'>,
    { model, seconds, force }: KeyDrillQuery,
    actor: string,
  ): KeyItem | DrillRefusal | undefined {
    const pool = this.pools.poolOf(provider);
    const key = pool?.keys.find((each) => each.fingerprint === fingerprint);
    if (pool === undefined || key === undefined) return undefined;
    const scope = this.config.keys.cooldownScope === 'model' ? (model ?? null) : null;
    const refusal = drillRefusal(pool, key, scope);
    if (refusal?.kind === 'sidelined' || (refusal && !force)) return refusal;
    pool.drill(key, { scope, forMs: seconds * 1_000, actor });
    return this.#keyNamed(provider, fingerprint);
  }

  async events(query: KeyEventsQuery): Promise<KeyEventPage> {
    const { provider: providers = [], fingerprint: fingerprints = [] } = query;
    const { cursor: beforeId, limit } = query;
    const found = await this.store.events({
      providers,
      fingerprints,
      beforeId,
      limit: limit + 1,
    });
    const items = found.slice(0, limit).map(keyEventItem);
    return { items, nextCursor: found.length > limit ? (items.at(-1)?.id ?? null) : null };
  }

  #keyNamed(provider: string, fingerprint: string): KeyItem | undefined {
    return this.list({ provider: [provider] }).find((key) => key.fingerprint === fingerprint);
  }
}
