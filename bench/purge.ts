import process, { stdout } from 'node:process';
import { Client } from 'pg';
import { createPrismaClient } from '../src/database/connection/prisma-client.ts';
import { PrismaPurgeStore } from '../src/recording/retention/prisma-purge-store.ts';
import { createTestDatabase, startSharedServer } from '../test/support/postgres.ts';
import { generateAuditData } from './audit-data.ts';

/*
 * How long it takes to drop a partition of a million records with all that belongs to them, and how
 * many a second go by rows where the age ends within a partition, breaths included.
 * `npm run bench:purge`; embedded PostgreSQL, or that of TEST_DATABASE_URL. Ends with 1 when the
 * drop takes longer than a second.
 */
const RECORDS = 1_000_000;
const EDGE_RECORDS = 50_000;
const DROP_MS_MAX = 1_000;
const DAY_MS = 86_400_000;
/** As between two batches of the purge. */
const BREATH_MS = 50;

const server = await startSharedServer();
const database = await createTestDatabase(server);
const prisma = createPrismaClient(database.url, { poolMax: 2 });
const client = new Client({ connectionString: database.url });
await client.connect();
try {
  // All of them in one month, the newest now: the age is told as a time to come.
  const days = Math.max(1, new Date().getUTCDate() - 1);
  await generateAuditData(client, {
    databaseUrl: database.url,
    records: RECORDS,
    days,
    onProgress: (what) => stdout.write(`${what}\n`),
  });
  const store = new PrismaPurgeStore(prisma, 'month');

  const edgeMs = Date.now() - days * DAY_MS * (1 - EDGE_RECORDS / RECORDS);
  let startedMs = performance.now();
  let gone = 0;
  for (let rows: number | undefined; rows !== 0; gone += rows ?? 0) {
    rows = await store.purgeRecords(edgeMs);
    await new Promise((resolve) => setTimeout(resolve, BREATH_MS));
  }
  const edgeSeconds = (performance.now() - startedMs) / 1_000;
  stdout.write(`by rows: ${Math.round(gone / edgeSeconds)} records a second (${gone})\n`);

  startedMs = performance.now();
  const dropped = await store.dropRecords(Date.now() + 40 * DAY_MS);
  const dropMs = Math.round(performance.now() - startedMs);
  stdout.write(`as a partition: ${dropped} records in ${dropMs} ms (limit ${DROP_MS_MAX})\n`);
  process.exitCode = dropMs <= DROP_MS_MAX ? 0 : 1;
} finally {
  await client.end();
  await prisma.$disconnect();
  await database.drop();
  await server.stop();
}
