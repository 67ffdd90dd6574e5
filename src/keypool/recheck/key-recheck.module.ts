import {
  Module,
  type DynamicModule,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { BridgeConfig } from '../../config/index.ts';
import { Logger } from '../../telemetry/index.ts';
import { KeyClock } from '../key/key-clock.ts';
import { KeyPoolsService } from '../pool/key-pools.service.ts';
import { KeyProbe } from './key-probe.ts';
import { KeyRecheck } from './key-recheck.ts';
import { KeyStateStore } from '../pool/key-state-store.ts';

const RECHECK = {
  provide: KeyRecheck,
  useFactory: (
    config: BridgeConfig,
    { all: pools }: KeyPoolsService,
    ...[probe, store, clock, logger]: [KeyProbe, KeyStateStore, KeyClock, Logger]
  ): KeyRecheck => {
    const everyMs = config.keys.recheckMs ?? Infinity;
    return new KeyRecheck({ pools, probe, store, clock, logger, random: Math.random, everyMs });
  },
  inject: [BridgeConfig, KeyPoolsService, KeyProbe, KeyStateStore, KeyClock, Logger],
};

/** Apart from the pools, because what probes a key stands on them. */
@Module({})
export class KeyRecheckModule implements OnModuleInit, OnModuleDestroy {
  constructor(private readonly recheck: KeyRecheck) {}

  /** `imports`: the modules that provide configuration, clock, logger, pools and the probe. */
  static register(imports: readonly DynamicModule[]): DynamicModule {
    return {
      module: KeyRecheckModule,
      imports: [...imports],
      providers: [RECHECK],
      exports: [KeyRecheck],
    };
  }

  onModuleInit(): void {
    this.recheck.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.recheck.stop();
  }
}
