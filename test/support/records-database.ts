import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import { PrismaRecordStore } from '../../src/recording/store/prisma-record-store.ts';
import { AuditTables } from './audit-tables.ts';
import { createTestDatabase } from './postgres.ts';

/** A database of a test's own, with what writes records to it and what reads its tables. */
export interface RecordsDatabase {
  readonly url: string;
  readonly prisma: PrismaClient;
  readonly store: PrismaRecordStore;
  readonly tables: AuditTables;
  drop(): Promise<void>;
}

/** With so many connections at most, besides those that read the tables. */
export async function createRecordsDatabase(poolMax = 8): Promise<RecordsDatabase> {
  const database = await createTestDatabase();
  const { url } = database;
  const prisma = createPrismaClient(url, { poolMax });
  const tables = await AuditTables.open(url);
  return {
    url,
    prisma,
    store: new PrismaRecordStore(prisma),
    tables,
    async drop() {
      await tables.close();
      await prisma.$disconnect();
      await database.drop();
    },
  };
}
