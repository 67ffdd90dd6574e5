import {
  ConflictException,
  Controller,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  Post,
  Query,
  UseGuards,
} from '@nestjs/common';
import { AdminGuard, AuditorGuard, CurrentCaller, type Caller } from '../identity/index.ts';
import type { DrillRefusal } from '../keypool/index.ts';
import { noParameters, type NoParameters } from '../openapi/index.ts';
import type { KeyExplanation } from './key-explanation-shape.ts';
import { KeyExplanationsService } from './key-explanations.service.ts';
import {
  keyDrillQuery,
  keyEventsQuery,
  keyExplanationQuery,
  keyName,
  keysQuery,
  type KeyDrillQuery,
  type KeyEventsQuery,
  type KeyExplanationQuery,
  type KeysQuery,
} from './key-query.ts';
import type { KeyEventPage, KeyItem, KeysAnswer } from './key-shape.ts';
import { KeysService } from './keys.service.ts';

@Controller('api/v1/keys')
export class KeysController {
  constructor(
    private readonly keys: KeysService,
    private readonly explanations: KeyExplanationsService,
  ) {}

  @Get()
  @UseGuards(AuditorGuard)
  list(@Query({ schema: keysQuery }) query: KeysQuery): KeysAnswer {
    return { items: this.keys.list(query) };
  }

  @Get('events')
  @UseGuards(AuditorGuard)
  events(@Query({ schema: keyEventsQuery }) query: KeyEventsQuery): Promise<KeyEventPage> {
    return this.keys.events(query);
  }

  @Get('explain')
  @UseGuards(AuditorGuard)
  explain(@Query({ schema: keyExplanationQuery }) query: KeyExplanationQuery): KeyExplanation {
    const explanation = this.explanations.explain(query);
    if (explanation === undefined) {
      throw new NotFoundException('There is no provider of this name.');
    }
    return explanation;
  }

  @Post(':provider/:fingerprint/reset')
  @HttpCode(200)
  @UseGuards(AdminGuard)
  reset(
    @CurrentCaller() caller: Caller,
    @Param('provider', { schema: keyName.provider }) provider: string,
    @Param('fingerprint', { schema: keyName.fingerprint }) fingerprint: string,
    @Query({ schema: noParameters }) _query: NoParameters,
  ): KeyItem {
    return existing(this.keys.reset(provider, fingerprint, caller.id));
  }

  @Post(':provider/:fingerprint/drill')
  @HttpCode(200)
  @UseGuards(AdminGuard)
  drill(
    @CurrentCaller() caller: Caller,
    @Param('provider', { schema: keyName.provider }) provider: string,
    @Param('fingerprint', { schema: keyName.fingerprint }) fingerprint: string,
    @Query({ schema: keyDrillQuery }) query: KeyDrillQuery,
  ): KeyItem {
    const key = existing(this.keys.drill({ provider, fingerprint }, query, caller.id));
    if ('kind' in key) throw new ConflictException(refusalText(key));
    return key;
  }
}

function existing<Key>(key: Key | undefined): Key {
  if (key !== undefined) return key;
  throw new NotFoundException('There is no such key in the pool of this provider.');
}

function refusalText(refusal: DrillRefusal): string {
  if (refusal.kind === 'sidelined') {
    return 'Something is held against this key already. The end of the drill would forget it.';
  }
  const calls = refusal.model === null ? 'calls' : `calls for ${refusal.model}`;
  return `No other key would be left for ${calls}. With force=true it is done all the same.`;
}
