import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Logger } from '../../telemetry/index.ts';
import { KeyPoolsService } from '../pool/key-pools.service.ts';
import { KeyStateStore } from '../pool/key-state-store.ts';
import { KeyClock } from '../key/key-clock.ts';
import type { KeyRecord } from '../key/key-record.ts';
import { KeyStateSync } from './key-state-sync.ts';

/** The sync of this process, fed by its pools. Start-up does not wait for it. */
@Injectable()
export class KeyStateSyncService extends KeyStateSync implements OnModuleInit, OnModuleDestroy {
  constructor(
    store: KeyStateStore,
    private readonly pools: KeyPoolsService,
    clock: KeyClock,
    logger: Logger,
  ) {
    const learn = (record: KeyRecord): void => pools.learn(record);
    const move = (byMs: number): void => pools.move(byMs);
    super({ store, learn, clock, move, logger, random: Math.random });
  }

  onModuleInit(): void {
    this.pools.transitions.subscribe((transition) => this.tell(transition));
    this.pools.reloads.subscribe(() => this.refresh());
    this.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.stop();
  }
}
