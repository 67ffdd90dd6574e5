import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { BridgeConfig } from '../config/index.ts';
import { Clock } from '../core/clock.ts';
import { Logger, Metrics } from '../telemetry/index.ts';
import { Toolbox } from './toolbox.ts';

/** The configured tool servers. The bridge does not wait for them when it starts. */
@Injectable()
export class McpServersService extends Toolbox implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(config: BridgeConfig, clock: Clock, metrics: Metrics, logger: Logger) {
    super(config.mcp, { clock, metrics, logger, random: Math.random });
  }

  onApplicationBootstrap(): void {
    this.start();
  }

  /** By now the data plane has been drained, so that nothing is called any more. */
  async onModuleDestroy(): Promise<void> {
    await this.stop();
  }
}
