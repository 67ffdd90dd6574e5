import { Injectable } from '@nestjs/common';
import type { Response } from 'express';
import { once } from 'node:events';
import { waited } from '../../core/waited.ts';
import { DatabaseService } from '../../database/index.ts';
import { CSV_HEADER } from './csv.ts';
import {
  exportedPage,
  type ExportedPage,
  type ExportFormat,
  type Statement,
} from './export-page.ts';
import type { ExportQuery } from './export-query.ts';
import { ExportThread } from './export-thread.ts';
import { OpenStreamsService } from '../http/open-streams.service.ts';
import type { Question } from '../question/prisma-conditions.ts';
import { PrismaExportPages } from './prisma-export-pages.ts';
import { readerGone } from '../http/reader-gone.ts';

/**
 * After a page, the database and this machine belong to others for so many times as long as it took
 * to read: nobody waits for the end of an export as people wait for an answer.
 */
const RESTING = 1;

const CONTENT_TYPE = {
  ndjson: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
};

/** Streams all that a question finds, page after page, the next one read when the last is taken. */
@Injectable()
export class ExportService {
  constructor(
    private readonly database: DatabaseService,
    private readonly pages: PrismaExportPages,
    private readonly streams: OpenStreamsService,
  ) {}

  async export(
    question: Question,
    { format, cursor }: Pick<ExportQuery, 'format' | 'cursor'>,
    res: Response,
  ): Promise<void> {
    // What fails before the first page is there is an ordinary error, and most exports have no second.
    const first = await this.pages.page(question, cursor, async (statement) =>
      exportedPage(await this.pages.lines(statement), format),
    );
    const begin = (): void => {
      res.setHeader('content-type', CONTENT_TYPE[format]);
      res.setHeader('content-disposition', `attachment; filename="interceptions.${format}"`);
      if (format === 'csv' && cursor === undefined) res.write(CSV_HEADER);
      res.write(first.bytes);
    };
    if (!first.isLast) {
      await this.streams.export(async () => {
        begin();
        await this.#sendRest(question, { format, after: first.lastId }, res);
      });
    } else {
      begin();
    }
    res.end();
  }

  async #sendRest(
    question: Question,
    { format, after }: { readonly format: ExportFormat; readonly after: string | undefined },
    res: Response,
  ): Promise<void> {
    const signal = AbortSignal.any([readerGone(res), this.streams.signal]);
    const place = await this.database.place();
    const thread = new ExportThread({ databaseUrl: place.url, format }, signal);
    const read = (statement: Statement): Promise<ExportedPage> => thread.page(statement);
    try {
      for (let lastId = after; ;) {
        const beganMs = performance.now();
        const page = await this.pages.page(question, lastId, read);
        const readMs = performance.now() - beganMs;
        if (page.count > 0) await written(res, page, signal);
        if (page.isLast) return;
        thread.recycle(page);
        lastId = page.lastId;
        await waited(readMs * RESTING, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      res.destroy();
    } finally {
      await thread.close();
      place.giveBack();
    }
  }
}

/** Resolves when the reader's side has taken the page, not only this process's buffers. */
async function written(res: Response, { bytes }: ExportedPage, signal: AbortSignal): Promise<void> {
  const taken = new AbortController();
  res.write(bytes, () => taken.abort());
  if (!taken.signal.aborted) await once(AbortSignal.any([signal, taken.signal]), 'abort');
  signal.throwIfAborted();
}
