import { Injectable } from '@nestjs/common';
import { BridgeConfig } from '../config/index.ts';
import { Clock } from '../core/clock.ts';
import { Logger } from '../telemetry/index.ts';
import { KeyPool } from './key-pool.ts';
import type { KeyTransition } from './key-transition.ts';

/** The pools of this process, one per provider that has keys. */
@Injectable()
export class KeyPoolsService {
  readonly #pools = new Map<string, KeyPool>();

  constructor(
    config: BridgeConfig,
    clock: Clock,
    private readonly logger: Logger,
  ) {
    for (const { name, keys } of config.providers) {
      if (keys.length === 0) continue;
      const pool = new KeyPool(keys, {
        provider: name,
        clock,
        cooldownDefaultMs: config.keys.cooldownDefaultMs,
        cooldownMaxMs: config.keys.cooldownMaxMs,
        onTransition: (transition) => this.#log(transition),
      });
      this.#pools.set(name, pool);
    }
  }

  /** Undefined where callers bring their own keys. */
  poolOf(provider: string): KeyPool | undefined {
    return this.#pools.get(provider);
  }

  #log({ to, provider, hint, status, cooldownMs, isStateChange }: KeyTransition): void {
    if (!isStateChange) return;
    const fields = { provider, api_key_hint: hint, status };
    if (to.kind === 'permanent') this.logger.warn('key marked permanent', fields);
    else if (to.kind === 'temporary') {
      this.logger.info('key marked temporary', { ...fields, cooldown: cooldownMs });
    }
  }
}
