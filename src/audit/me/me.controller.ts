import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import {
  CurrentCaller,
  IdentityGuard,
  mayChange,
  mayReadAll,
  type Caller,
} from '../../identity/index.ts';
import { noParameters, type NoParameters } from '../../openapi/index.ts';
import type { Me } from './me-shape.ts';

@Controller('api/v1/me')
@UseGuards(IdentityGuard)
export class MeController {
  @Get()
  me(@CurrentCaller() caller: Caller, @Query({ schema: noParameters }) _query: NoParameters): Me {
    const { id, metadata, groups, role } = caller;
    const may = { readAll: mayReadAll(caller), change: mayChange(caller) };
    return { id, metadata, groups: [...groups], role, may };
  }
}
