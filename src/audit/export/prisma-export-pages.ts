import { Injectable } from '@nestjs/common';
import { Prisma } from '../../generated/prisma/client.ts';
import {
  NOTHING_EXPORTED,
  type ExportedLine,
  type ExportedPage,
  type Statement,
} from './export-page.ts';
import type { Question } from '../question/prisma-conditions.ts';
import { PrismaInterceptions } from '../interceptions/prisma-interceptions.ts';
import { PrismaReads } from '../question/prisma-reads.ts';

const LIMIT = 500;

/** Reads the pages of an export, which find what the pages of a list would find. */
@Injectable()
export class PrismaExportPages {
  constructor(
    private readonly reads: PrismaReads,
    private readonly interceptions: PrismaInterceptions,
  ) {}

  /** The page after a record, as whoever reads its lines makes it up. */
  async page(
    question: Question,
    before: string | undefined,
    read: (statement: Statement) => Promise<ExportedPage>,
  ): Promise<ExportedPage & { readonly isLast: boolean }> {
    let found = NOTHING_EXPORTED;
    const page = { limit: LIMIT, before };
    for (const statement of await this.interceptions.statements(question, page)) {
      found = await read(asLines(statement));
      if (found.count === LIMIT) break;
    }
    return { ...found, isLast: found.count < LIMIT };
  }

  /** Reads the lines of a page here: sooner than a thread has begun. */
  async lines({ text, values }: Statement): Promise<ExportedLine[]> {
    return this.reads.ask((client) => client.$queryRawUnsafe<ExportedLine[]>(text, ...values));
  }
}

/** Written by the database: objects of a million records are a lot to make and to throw away. */
function asLines(found: Prisma.Sql): Statement {
  const { text, values } = Prisma.sql`
    SELECT id, record::text AS line FROM (${found}) AS found ORDER BY id DESC`;
  return { text, values };
}
