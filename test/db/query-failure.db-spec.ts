import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { queryFailure } from '../../src/audit/http/query-failure.ts';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import { AuditTables } from '../support/audit-tables.ts';
import { CuttableProxy } from '../support/cuttable-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
let way: CuttableProxy;
let prisma: PrismaClient;
let tables: AuditTables;

beforeEach(async () => {
  database = await createTestDatabase();
  way = await CuttableProxy.start(database.url);
  prisma = createPrismaClient(way.url, { poolMax: 1 });
  tables = await AuditTables.open(database.url);
});

afterEach(async () => {
  await way.cut();
  await prisma.$disconnect();
  await tables.close();
  await database.drop();
});

function failureOf(asked: Promise<unknown>): Promise<string> {
  return asked.then(String, (error: unknown) => queryFailure(error) ?? `fault: ${String(error)}`);
}

/** Every way in which questions are put. */
const WAYS: Record<string, () => Promise<unknown>> = {
  'raw question': () => prisma.$queryRaw`SELECT pg_sleep(60)::text`,
  'raw statement': () => prisma.$executeRaw`SELECT pg_sleep(60)`,
  'question of several': () =>
    prisma.$transaction([prisma.interception.count(), prisma.$queryRaw`SELECT pg_sleep(60)::text`]),
  transaction: () => prisma.$transaction((tx) => tx.$queryRaw`SELECT pg_sleep(60)::text`),
};

const SLEEPING = `FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;

async function isAsked(): Promise<void> {
  await until('the question is asked', async () => {
    const asked = await tables.rows(`SELECT 1 ${SLEEPING}`);
    return asked.length === 1 ? true : undefined;
  });
}

describe.each(Object.entries(WAYS))('a %s', (_, ask) => {
  it('whose connection is cut under way, and then one that finds nobody', async () => {
    const cut = failureOf(ask());
    await isAsked();
    await way.cut();
    expect(await cut).toBe('connection');
    expect(await failureOf(ask())).toBe('connection');
  });

  it('on a connection that was cut since it was last used', async () => {
    await prisma.$queryRaw`SELECT 1`;
    const cut = way.cut();
    expect(await failureOf(ask())).toBe('connection');
    await cut;
  });

  it('whose connection an administrator ends', async () => {
    const ended = failureOf(ask());
    await isAsked();
    await tables.rows(`SELECT pg_terminate_backend(pid) ${SLEEPING}`);
    expect(await ended).toBe('connection');
  });
});

it('a question that takes too long', async () => {
  const slow = prisma.$transaction([
    prisma.$executeRaw`SET LOCAL statement_timeout TO '10ms'`,
    prisma.$queryRaw`SELECT pg_sleep(60)::text`,
  ]);
  expect(await failureOf(slow)).toBe('timeout');
});

it('a question that is wrong', async () => {
  expect(await failureOf(prisma.$queryRaw`SELECT nothing FROM nowhere`)).toContain('fault');
});
