import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { BridgeConfig } from '../../config/index.ts';
import { Clock } from '../../core/clock.ts';
import { CurrentCaller, IdentityGuard, type Caller } from '../../identity/index.ts';
import { PrismaUsage } from './prisma-usage.ts';
import { scopeOf } from '../question/scope.ts';
import { usageNotice } from './usage-notice.ts';
import { usageQuerySchema, type UsageAnswer, type UsageQuery } from './usage-shape.ts';

@Controller('api/v1/usage')
@UseGuards(IdentityGuard)
export class UsageController {
  constructor(
    private readonly usage: PrismaUsage,
    private readonly config: BridgeConfig,
    private readonly clock: Clock,
  ) {}

  @Get()
  async sums(
    @CurrentCaller() caller: Caller,
    @Query({ schema: usageQuerySchema }) query: UsageQuery,
  ): Promise<UsageAnswer> {
    const scope = scopeOf(caller);
    const answer = await this.usage.sums(scope, query);
    const notice = usageNotice({ scope, query }, this.config.audit, this.clock.nowMs());
    return { ...answer, ...(notice !== undefined && { notice }) };
  }
}
