import { Controller, Get, Headers, Query, Res, UseGuards } from '@nestjs/common';
import type { Response } from 'express';
import { CurrentCaller, IdentityGuard, type Caller } from '../../identity/index.ts';
import { filterSchema, type InterceptionFilter } from '../question/interception-filter.ts';
import { placeOf } from './live-event-id.ts';
import { LiveTailService } from './live-tail.service.ts';
import { OpenStreamsService } from '../http/open-streams.service.ts';
import { scopeOf } from '../question/scope.ts';
import { SseResponse } from '../http/sse-response.ts';
import { badRequest } from '../http/validation.pipe.ts';

@Controller('api/v1/interceptions/live')
@UseGuards(IdentityGuard)
export class LiveController {
  constructor(
    private readonly tail: LiveTailService,
    private readonly streams: OpenStreamsService,
  ) {}

  @Get()
  async live(
    @CurrentCaller() caller: Caller,
    @Query({ schema: filterSchema }) filter: InterceptionFilter,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() res: Response,
  ): Promise<void> {
    const after = lastEventId === undefined ? undefined : placeOf(lastEventId);
    if (lastEventId !== undefined && after === undefined) {
      const message = 'is not the id of an event of this stream';
      throw badRequest([{ parameter: 'Last-Event-ID', message }]);
    }
    await this.streams.live(async () => {
      const start = await this.tail.start(after);
      const stream = new SseResponse(res, this.streams.signal);
      await this.tail.follow(stream, start, { scope: scopeOf(caller), filter });
    });
  }
}
