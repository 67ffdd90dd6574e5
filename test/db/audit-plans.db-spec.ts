import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateAuditData } from '../../bench/audit-data.ts';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import { filterSchema } from '../../src/audit/question/interception-filter.ts';
import { detailSql } from '../../src/audit/interceptions/prisma-interceptions.ts';
import { kindsOf } from '../../src/audit/question/prisma-kinds.ts';
import { pageStatements } from '../../src/audit/interceptions/prisma-pages.ts';
import { usageSql } from '../../src/audit/usage/prisma-usage.ts';
import { usageQuerySchema } from '../../src/audit/usage/usage-shape.ts';
import { RECORD_TABLES } from '../../src/recording/partitions/prisma-partitions.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** The partitions of what grows. */
const BIG = new RegExp(`^(?:${RECORD_TABLES.join('|')})_\\d+$`);
const EVERYBODY = { kind: 'everybody' } as const;
const OWN = { kind: 'own', initiatorId: 'person-7@corp' } as const;

let database: TestDatabase;
let client: Client;
let prisma: PrismaClient;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
  prisma = createPrismaClient(database.url, { poolMax: 1 });
  await generateAuditData(client, {
    databaseUrl: database.url,
    records: 20_000,
    days: 60,
    onProgress: () => undefined,
  });
}, 120_000);

afterAll(async () => {
  await prisma.$disconnect();
  await client.end();
  await database.drop();
});

interface Sql {
  readonly text: string;
  readonly values: unknown[];
}

/** The tables that a statement would read from end to end. */
async function readWhole({ text, values }: Sql): Promise<string[]> {
  const { rows } = await client.query<{ 'QUERY PLAN': unknown }>(
    `EXPLAIN (FORMAT JSON) ${text}`,
    values,
  );
  const plan = JSON.stringify(rows);
  const scans = plan.matchAll(/"Node Type":"Seq Scan"[^{}]*?"Relation Name":"(\w+)"/g);
  return [...scans].map(([, table]) => table ?? '').filter((table) => BIG.test(table));
}

/** By every statement that may be made for a page, whether an earlier one would do or not. */
async function readWholeFor(query: Readonly<Record<string, unknown>>): Promise<string[]> {
  const filter = filterSchema.parse(query);
  const kinds = await kindsOf(prisma, filter);
  const statements = [EVERYBODY, OWN].flatMap((scope) =>
    pageStatements({ scope, filter, kinds }, { limit: 51 }, Date.now()),
  );
  const tables: string[] = [];
  for (const statement of statements) tables.push(...(await readWhole(statement)));
  return tables;
}

describe('no question reads a big table from end to end', () => {
  it.each([
    {},
    { initiator: 'person-5@corp' },
    { provider: 'anthropic' },
    { providerType: 'nobody' },
    { model: ['anthropic-model-0', 'nobody'] },
    { client: 'Zed' },
    { session: 's-1' },
    { api: 'passthrough' },
    { status: 'failed' },
    { errorType: 'overloaded' },
    { credentialKind: 'byok' },
    { credentialHint: 'sk-a...0002' },
    { credentialFingerprint: 'none' },
    { tool: 'Deploy' },
    { tool: 'Bash' },
    { streaming: 'false' },
    { failedOver: 'true' },
    { startedAfter: '2020-01-01' },
    { startedBefore: '2020-01-01' },
    { minTokens: '66900' },
    { minDurationMs: '19900' },
    { initiator: 'person-5@corp', status: 'failed', tool: 'Bash' },
    { provider: 'copilot', model: 'openai-model-1', status: 'completed' },
    { credentialHint: 'sk-a...0001', errorType: 'rate_limited', minDurationMs: '19900' },
    { tool: 'Deploy', status: 'failed', provider: 'openai' },
    { tool: 'Bash', minTokens: '60000' },
  ])('a list by %j', async (query) => {
    expect(await readWholeFor(query)).toEqual([]);
  });

  it.each(['ticket123', 'nowhere'])('a search for %s', async (text) => {
    expect(await readWholeFor({ text })).toEqual([]);
  });

  it('a detail', async () => {
    const { rows } = await client.query<{ id: string }>('SELECT id FROM interceptions LIMIT 1');
    expect(await readWhole(detailSql(EVERYBODY, rows[0]?.id ?? ''))).toEqual([]);
  });

  it.each([{}, { groupBy: 'model,day' }, { groupBy: 'initiator,hour' }])(
    'usage by %j, ends of hours included',
    async (query) => {
      const asked = usageQuerySchema.parse({
        ...query,
        startedAfter: new Date(Date.now() - 20.5 * 86_400_000).toISOString(),
        startedBefore: new Date(Date.now() - 3.3 * 86_400_000).toISOString(),
      });
      expect(await readWhole(usageSql(EVERYBODY, asked))).toEqual([]);
    },
  );
});
