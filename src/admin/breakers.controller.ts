import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { BridgeConfig } from '../config/index.ts';
import { AuditorGuard } from '../identity/index.ts';
import { ProviderInstancesService } from '../upstream/provider-instances.service.ts';
import {
  breakerItem,
  breakersQuery,
  type BreakersAnswer,
  type BreakersQuery,
} from './breaker-shape.ts';

/** The circuit breakers for operators, as this process goes by them. */
@Controller('api/v1/breakers')
export class BreakersController {
  constructor(
    private readonly instances: ProviderInstancesService,
    private readonly config: BridgeConfig,
  ) {}

  @Get()
  @UseGuards(AuditorGuard)
  list(@Query({ schema: breakersQuery }) { provider: wanted }: BreakersQuery): BreakersAnswer {
    const items = this.instances.all
      .filter(({ name }) => wanted?.includes(name) ?? true)
      .flatMap(({ name, type, failover }) => {
        const owner = { provider: name, providerType: type };
        return (failover.breakers?.all ?? []).map((breaker) => breakerItem(owner, breaker));
      });
    return { isEnabled: this.config.breaker.enabled, items };
  }
}
