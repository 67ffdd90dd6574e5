import { Controller, Get, Query, Res, UseGuards } from '@nestjs/common';
import type { Response } from 'express';
import { CurrentCaller, IdentityGuard, type Caller } from '../../identity/index.ts';
import { exportQuerySchema, type ExportQuery } from './export-query.ts';
import { ExportService } from './export.service.ts';
import { scopeOf } from '../question/scope.ts';

@Controller('api/v1/interceptions/export')
@UseGuards(IdentityGuard)
export class ExportController {
  constructor(private readonly exports: ExportService) {}

  @Get()
  async export(
    @CurrentCaller() caller: Caller,
    @Query({ schema: exportQuerySchema }) query: ExportQuery,
    @Res() res: Response,
  ): Promise<void> {
    const { format, cursor, ...filter } = query;
    await this.exports.export({ scope: scopeOf(caller), filter }, { format, cursor }, res);
  }
}
