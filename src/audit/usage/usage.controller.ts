import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { CurrentCaller, IdentityGuard, type Caller } from '../../identity/index.ts';
import { PrismaUsage } from './prisma-usage.ts';
import { scopeOf } from '../question/scope.ts';
import { usageQuerySchema, type UsageAnswer, type UsageQuery } from './usage-shape.ts';

@Controller('api/v1/usage')
@UseGuards(IdentityGuard)
export class UsageController {
  constructor(private readonly usage: PrismaUsage) {}

  @Get()
  sums(
    @CurrentCaller() caller: Caller,
    @Query({ schema: usageQuerySchema }) query: UsageQuery,
  ): Promise<UsageAnswer> {
    return this.usage.sums(scopeOf(caller), query);
  }
}
