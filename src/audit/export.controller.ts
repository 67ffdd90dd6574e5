import { Controller, Get, Query, Res, UseGuards } from '@nestjs/common';
import type { Response } from 'express';
import { pipeline } from 'node:stream/promises';
import { CurrentCaller, IdentityGuard, type Caller } from '../identity/index.ts';
import { CSV_HEADER, csvLine } from './csv.ts';
import { exportQuerySchema, type ExportQuery } from './export-query.ts';
import type { Interception } from './interception-shape.ts';
import { OpenStreamsService } from './open-streams.service.ts';
import { PrismaInterceptions } from './prisma-interceptions.ts';
import { scopeOf } from './scope.ts';

const CONTENT_TYPE = {
  ndjson: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
};

@Controller('api/v1/interceptions/export')
@UseGuards(IdentityGuard)
export class ExportController {
  constructor(
    private readonly interceptions: PrismaInterceptions,
    private readonly streams: OpenStreamsService,
  ) {}

  /** Page after page, the next one read when the reader has taken the last. */
  @Get()
  async export(
    @CurrentCaller() caller: Caller,
    @Query({ schema: exportQuerySchema }) query: ExportQuery,
    @Res() res: Response,
  ): Promise<void> {
    const { format, cursor, ...filter } = query;
    const pages = this.interceptions.pages({ scope: scopeOf(caller), filter }, cursor);
    // What fails before the first page is there is an ordinary error.
    const first = await pages.next();
    res.setHeader('content-type', CONTENT_TYPE[format]);
    res.setHeader('content-disposition', `attachment; filename="interceptions.${format}"`);
    const { signal } = this.streams;
    await pipeline(textOf(first, pages, { format, hasHeader: cursor === undefined }), res, {
      signal,
    });
  }
}

interface TextOptions {
  readonly format: ExportQuery['format'];
  readonly hasHeader: boolean;
}

async function* textOf(
  first: IteratorResult<readonly string[], void>,
  pages: AsyncGenerator<readonly string[], void>,
  { format, hasHeader }: TextOptions,
): AsyncGenerator<string, void> {
  if (format === 'csv' && hasHeader) yield CSV_HEADER;
  for (let page = first; !page.done; page = await pages.next()) {
    yield format === 'csv' ? page.value.map(csvOf).join('') : `${page.value.join('\n')}\n`;
  }
}

function csvOf(line: string): string {
  const record: Interception = JSON.parse(line);
  return csvLine(record);
}
