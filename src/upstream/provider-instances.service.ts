import { Injectable } from '@nestjs/common';
import { BridgeConfig } from '../config/index.ts';
import { Clock } from '../core/clock.ts';
import type { KeyPool } from '../keypool/index.ts';
import { KeyPoolsService } from '../keypool/pool/key-pools.service.ts';
import { providerOfType } from '../providers/index.ts';
import { Logger, Metrics } from '../telemetry/index.ts';
import { BreakerAccount } from './breaker/breaker-account.ts';
import { Breakers } from './breaker/breakers.ts';
import { Dumps } from './dump/dumps.ts';
import { KeyRenewal, type KeyRenewalParts } from './key-renewal.ts';
import { ProviderInstance } from './provider-instance.ts';

/** The configured providers, each with its keys and its connections. */
@Injectable()
export class ProviderInstancesService {
  readonly all: readonly ProviderInstance[];

  readonly #dumps: Dumps;

  constructor(
    config: BridgeConfig,
    clock: Clock,
    private readonly pools: KeyPoolsService,
    { meter }: Metrics,
    private readonly logger: Logger,
  ) {
    this.#dumps = new Dumps(config.dumps, clock, { meter, logger });
    const { cooldownScope, forbiddenScope } = config.keys;
    const account = new BreakerAccount(meter, logger);
    this.all = config.providers.map((provider) => {
      const description = providerOfType(provider.type);
      if (description === undefined) throw new Error(`provider type ${provider.type} is unknown`);
      const { name } = provider;
      const breakers = config.breaker.enabled
        ? account.of(name, (witness) => new Breakers(config.breaker, clock, witness))
        : undefined;
      const pool = pools.poolOf(name);
      return new ProviderInstance(provider, description, pool, {
        cooldownScope,
        forbiddenScope,
        clock,
        random: Math.random,
        breakers,
        renewal: pool && this.#renewalOf(name, pool),
        dumps: this.#dumps,
      });
    });
  }

  /** Ends whatever is still under way. */
  async close(): Promise<void> {
    await Promise.all(this.all.map(({ client }) => client.close()));
    await this.#dumps.close();
  }

  #renewalOf(provider: string, pool: KeyPool): KeyRenewal | undefined {
    if (pool.keys.every(({ secret }) => secret.renewed === undefined)) return undefined;
    const { pools, logger } = this;
    const replaceKeys: KeyRenewalParts['replaceKeys'] = (keys) => pools.replaceKeys(provider, keys);
    return new KeyRenewal({ provider, pool, replaceKeys, logger });
  }
}
