import process, { stdout } from 'node:process';
import { createPrismaClient } from '../src/database/connection/prisma-client.ts';
import { PrismaRecordStore } from '../src/recording/store/prisma-record-store.ts';
import { createTestDatabase, startSharedServer } from '../test/support/postgres.ts';
import { timeThreads } from './thread-load.ts';

/*
 * Whether storing slows down with the number of records whose thread is not known: 100,000 calls of
 * 6,000 people, all of whose tool calls have the same id. `npm run bench:threads`; embedded
 * PostgreSQL, or that of TEST_DATABASE_URL. Ends with 1 when the last tenths take much longer than
 * the first.
 */
const LOAD = { calls: 100_000, users: 6_000, parts: 10 };
const GROWTH_MAX = 1.5;

const server = await startSharedServer();
const database = await createTestDatabase(server);
const prisma = createPrismaClient(database.url, { poolMax: 1 });
try {
  const times = await timeThreads(new PrismaRecordStore(prisma), LOAD);
  // A shared machine stands still now and then: the quickest of three says what it takes.
  const growth = Math.min(...times.slice(-3)) / Math.min(...times.slice(0, 3));
  const each = times.map((ms) => (ms / 1_000).toFixed(1)).join(', ');
  stdout.write(`threads: seconds for each 10,000 calls: ${each}; `);
  stdout.write(
    `the last take ${growth.toFixed(2)} times as long as the first (limit ${GROWTH_MAX})\n`,
  );
  process.exitCode = growth <= GROWTH_MAX ? 0 : 1;
} finally {
  await prisma.$disconnect();
  await database.drop();
  await server.stop();
}
