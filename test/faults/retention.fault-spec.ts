import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { firstIdAt } from '../../src/core/ids.ts';
import { createPrismaClient } from '../../src/database/connection/prisma-client.ts';
import { PrismaPartitions } from '../../src/recording/partitions/prisma-partitions.ts';
import { shortOrLong } from '../support/fault-length.ts';
import { Load, median, type Served } from '../support/load.ts';
import type { AuditTables } from '../support/audit-tables.ts';
import { faultySystem } from './faulty-system.ts';
import { disagreements } from './load-audit.ts';

const RECORDS = shortOrLong(20_000, 1_000_000);
const CALM_MS = shortOrLong(3_000, 20_000);
const PURGE_MS_MAX = shortOrLong(60_000, 30 * 60_000);
const CLIENTS = 8;
const RATIO_MAX = 3;
const DAY_MS = 86_400_000;

test(
  `${RECORDS} old records are purged while traffic runs: no request is slower for it, and the purge ends`,
  async () => {
    const system = await faultySystem();
    onTestFinished(() => system.remove());
    await makePartitions(system.databaseUrl);
    // Of these, whole partitions are past; of those, a part of one.
    await insertOld(system.tables, { days: 120, count: RECORDS / 2 });
    await insertOld(system.tables, { days: 60.1, count: RECORDS / 2 });
    const keeping = await system.startBridge({ env: { AIBRIDGE_RETENTION: '0' } });
    const before = new Load(keeping.url, { round: 'before', clients: CLIENTS });
    await delay(CALM_MS);
    await before.stop();
    expect(await keeping.stop()).toBe(0);
    expect(await countOld(system.tables)).toBe(RECORDS);

    const purging = await system.startBridge({ env: { AIBRIDGE_RETENTION: '60d' } });
    const during = new Load(purging.url, { round: 'during', clients: CLIENTS });
    await expect
      .poll(() => countOld(system.tables), { timeout: PURGE_MS_MAX, interval: 500 })
      .toBe(0);
    await during.stop();

    expect(medianMs(during.served) / medianMs(before.served)).toBeLessThan(RATIO_MAX);
    expect(await purging.stop()).toBe(0);
    for (const table of ['attempts', 'token_usages', 'prompts']) {
      expect(await countOld(system.tables, table, 'interception_id')).toBe(0);
    }
    const served = [...before.served, ...during.served];
    expect(await disagreements(system.tables, served, system.simulator.calls)).toEqual([]);
  },
  PURGE_MS_MAX + 10 * CALM_MS + 120_000,
);

/** Records of that age, each with what belongs to one. */
async function insertOld(
  tables: AuditTables,
  { days, count }: { readonly days: number; readonly count: number },
): Promise<void> {
  const id = `concat(left('${firstIdAt(Date.now() - days * DAY_MS)}', 24), to_char(n, 'FM000000000000'))::uuid`;
  const old = `now() - interval '${days} days'`;
  const series = `FROM generate_series(1, ${count}) AS n`;
  await tables.rows(
    `INSERT INTO interceptions (id, instance_id, started_at, ended_at, duration_ms, initiator_id,
       provider_type, provider_name, model, requested_model, api, route, method, streaming, client,
       user_agent, credential_kind, credential_hint, status)
     SELECT ${id}, ${id}, ${old}, ${old}, 1, 'alice', 'anthropic', 'anthropic', 'm', 'm', 'messages',
       '/v1/messages', 'POST', false, 'c', 'old', 'byok', 'h', 'completed' ${series}`,
  );
  await tables.rows(
    `INSERT INTO attempts (id, interception_id, ordinal, turn, credential_kind, credential_hint,
       outcome, started_at, duration_ms)
     SELECT ${id}, ${id}, 1, 1, 'byok', 'h', 'served', ${old}, 1 ${series}`,
  );
  await tables.rows(
    `INSERT INTO token_usages (id, interception_id, input, output, cache_read, cache_write, created_at)
     SELECT ${id}, ${id}, 1, 1, 0, 0, ${old} ${series}`,
  );
  await tables.rows(
    `INSERT INTO prompts (id, interception_id, text, created_at)
     SELECT ${id}, ${id}, 'an old prompt', ${old} ${series}`,
  );
}

async function makePartitions(databaseUrl: string): Promise<void> {
  const prisma = createPrismaClient(databaseUrl, { poolMax: 1 });
  await new PrismaPartitions(prisma, 'month').make(Date.now() - 121 * DAY_MS, Date.now());
  await prisma.$disconnect();
}

async function countOld(
  tables: AuditTables,
  table = 'interceptions',
  column = 'id',
): Promise<number> {
  const below = firstIdAt(Date.now() - 60 * DAY_MS);
  const [row] = await tables.rows(
    `SELECT count(*)::int AS old FROM ${table} WHERE ${column} < $1::uuid`,
    [below],
  );
  return Number(row?.['old']);
}

function medianMs(served: readonly Served[]): number {
  return median(served.map(({ durationMs }) => durationMs));
}
