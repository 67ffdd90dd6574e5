import { afterAll, beforeAll, expect, it } from 'vitest';
import { queryFailure } from '../../src/audit/http/query-failure.ts';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let prisma: PrismaClient;

beforeAll(async () => {
  database = await createTestDatabase();
  prisma = createPrismaClient(database.url, { poolMax: 1 });
});

afterAll(async () => {
  await prisma.$disconnect();
  await database.drop();
});

it('tells a question that takes too long from a fault', async () => {
  const failed = prisma.$transaction([
    prisma.$executeRaw`SET LOCAL statement_timeout TO '10ms'`,
    prisma.$queryRaw`SELECT pg_sleep(60)::text`,
  ]);
  expect(await failed.then(String, queryFailure)).toBe('timeout');
  const wrong = prisma.$queryRaw`SELECT nothing FROM nowhere`;
  expect(await wrong.then(String, (error: unknown) => queryFailure(error) ?? 'fault')).toBe(
    'fault',
  );
});
