import { Controller, Get, NotFoundException, Param, Query, UseGuards } from '@nestjs/common';
import { BridgeConfig } from '../../config/index.ts';
import { CurrentCaller, IdentityGuard, type Caller } from '../../identity/index.ts';
import { noParameters, type NoParameters } from '../../openapi/index.ts';
import {
  interceptionIdSchema,
  listQuerySchema,
  type ListQuery,
} from '../question/interception-filter.ts';
import { searchNotice } from './search-notice.ts';
import type { InterceptionDetail, InterceptionPage } from './interception-shape.ts';
import { PrismaInterceptions } from './prisma-interceptions.ts';
import { scopeOf } from '../question/scope.ts';

@Controller('api/v1/interceptions')
@UseGuards(IdentityGuard)
export class InterceptionsController {
  constructor(
    private readonly interceptions: PrismaInterceptions,
    private readonly config: BridgeConfig,
  ) {}

  @Get()
  async list(
    @CurrentCaller() caller: Caller,
    @Query({ schema: listQuerySchema }) query: ListQuery,
  ): Promise<InterceptionPage> {
    const page = await this.interceptions.page(scopeOf(caller), query);
    const notice = query.text === undefined ? undefined : searchNotice(this.config.audit);
    return { ...page, ...(notice !== undefined && { notice }) };
  }

  /** Somebody else's record is not there, to a member: whether it exists is no business of theirs. */
  @Get(':id')
  async detail(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: interceptionIdSchema }) id: string,
    @Query({ schema: noParameters }) _query: NoParameters,
  ): Promise<InterceptionDetail> {
    const found = await this.interceptions.detail(scopeOf(caller), id);
    if (found === undefined) throw new NotFoundException(`There is no interception ${id}.`);
    return found;
  }
}
