import {
  BadRequestException,
  Controller,
  Get,
  NotFoundException,
  Param,
  Query,
  UseGuards,
} from '@nestjs/common';
import { CurrentCaller, IdentityGuard, type Caller } from '../../identity/index.ts';
import { PrismaSessions } from './prisma-sessions.ts';
import { scopeOf } from '../question/scope.ts';
import {
  sessionIdSchema,
  sessionQuerySchema,
  sessionsQuerySchema,
  type SessionDetail,
  type SessionPage,
  type SessionQuery,
  type SessionsQuery,
} from './session-shape.ts';

@Controller('api/v1/sessions')
@UseGuards(IdentityGuard)
export class SessionsController {
  constructor(private readonly sessions: PrismaSessions) {}

  @Get()
  list(
    @CurrentCaller() caller: Caller,
    @Query({ schema: sessionsQuerySchema }) query: SessionsQuery,
  ): Promise<SessionPage> {
    return this.sessions.page(scopeOf(caller), query);
  }

  @Get(':id')
  async detail(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: sessionIdSchema }) id: string,
    @Query({ schema: sessionQuerySchema }) query: SessionQuery,
  ): Promise<SessionDetail> {
    const answer = await this.sessions.detail(scopeOf(caller), id, query);
    if (answer.kind === 'found') return answer.session;
    if (answer.kind === 'absent') throw new NotFoundException(`There is no session ${id}.`);
    throw new BadRequestException({
      message: 'Several people have a session with this id: name one as `initiator`.',
      details: answer.initiators,
    });
  }
}
