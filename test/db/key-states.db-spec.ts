import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { SystemClock } from '../../src/core/clock.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import { CHANNEL, PostgresKeyStateSession } from '../../src/keypool/shared/key-state-session.ts';
import type { KeyName } from '../../src/keypool/pool/key-state-store.ts';
import { DirectSession } from '../../src/database/connection/direct-session.ts';
import { AuditTables } from '../support/audit-tables.ts';
import { CuttableProxy } from '../support/cuttable-proxy.ts';
import { aProcess } from '../support/key-change.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const clock = new SystemClock();
const newEventId = (): string => uuidv7(clock.nowMs());

let database: TestDatabase;
let tables: AuditTables;
let open: DirectSession[];

beforeEach(async () => {
  database = await createTestDatabase();
  tables = await AuditTables.open(database.url);
  open = [];
});
afterEach(async () => {
  await Promise.all(open.map((session) => session.close()));
  await tables.close();
  await database.drop();
});

/** A process with its pool, its session and what it heard. */
async function aReplica(url = database.url) {
  const heard: KeyName[] = [];
  const lost: Error[] = [];
  const direct = await DirectSession.open(url);
  open.push(direct);
  const session = new PostgresKeyStateSession(
    { session: direct, sender: newEventId(), newEventId },
    { onChange: (key) => heard.push(key), onLost: (error) => lost.push(error) },
  );
  await direct.listen(CHANNEL, (payload) => session.hear(payload));
  const process = aProcess({ clock });
  return {
    ...process,
    direct,
    session,
    heard,
    lost,
    tell: async () => {
      const news = process.told.splice(0).filter(({ origin }) => origin === 'local');
      const records = await session.merge(news);
      for (const record of records) process.pool.merge(record);
    },
    learn: async () => {
      for (const record of await session.read()) process.pool.merge(record);
    },
  };
}

/** What a key is good for; a cooldown under a rejection is nobody's concern and not told. */
const states = ({ pool }: Awaited<ReturnType<typeof aReplica>>) =>
  pool.keys.map((key) => key.record(null)).map((key) => key.rejection ?? key.cooldown);

describe('the record that all replicas share', () => {
  test('what many tell at once adds up to what each of them then knows', async () => {
    const replicas = await Promise.all(Array.from({ length: 4 }, () => aReplica()));
    for (let round = 1; round <= 5; round++) {
      for (const [index, replica] of replicas.entries()) {
        replica.cool(index % 2, 1_000 * (round * 10 + index));
        if (round === 3 && index === 1) replica.reject(0);
      }
      await Promise.all(replicas.map(({ tell }) => tell()));
    }
    await Promise.all(replicas.map(({ learn }) => learn()));
    const [first, ...others] = replicas.map(states);
    for (const other of others) expect(other).toEqual(first);
    expect(first?.[0]).toMatchObject({ reason: 'unauthorized', status: 401 });
    const events = await tables.rows('SELECT fingerprint, state FROM key_events ORDER BY id');
    expect(events).toHaveLength(3); // two keys that were limited, and one of them rejected
  });

  test('everything about a mark survives the way through the database', async () => {
    const [one, two] = [await aReplica(), await aReplica()];
    one.cool(0, 5_000);
    one.reject(1);
    one.forbid(1, 'opus');
    one.forbid(1, '');
    await one.tell();
    await two.learn();
    for (const scope of [null, 'opus', '']) {
      for (const index of [0, 1]) {
        expect(two.key(index).record(scope)).toEqual(one.key(index).record(scope));
      }
    }
  });

  test('the others are told which key has changed, and whoever changed it is not', async () => {
    const [one, two] = [await aReplica(), await aReplica()];
    one.reject(1);
    await one.tell();
    await until('the news', () => two.heard[0]);
    expect(two.heard).toEqual([{ provider: 'anthropic', fingerprint: one.key(1).fingerprint }]);
    expect(await two.session.read(two.heard)).toMatchObject([{ rejection: { status: 401 } }]);
    expect(one.heard).toEqual([]);
  });

  // Clients name the models, so nothing that they can write may stop the bridge from sharing.
  test('a model with a name that no database takes is kept all the same', async () => {
    const one = await aReplica();
    one.forbid(0, 'nul\0and\uD800half');
    await one.tell();
    const [row] = await tables.rows('SELECT scope FROM key_states');
    expect(row).toEqual({ scope: 'nul\uFFFDand\uFFFDhalf' });
  });

  test.each([
    ['no model and one that is named by a dash', ['', '-', '--']],
    ['two that a database cannot tell apart', ['a\0b', 'a\uFFFDb', 'a\uD800b']],
    ['two that are cut off to the same', ['x'.repeat(128), 'x'.repeat(200)]],
  ])('%s are told at once, and nobody is kept from telling more', async (_, models) => {
    const [one, two] = [await aReplica(), await aReplica()];
    for (const model of models) one.forbid(0, model);
    await one.tell();
    one.reject(1);
    await one.tell();
    await two.learn();
    for (const model of models) expect(two.key(0).record(model)).toEqual(one.key(0).record(model));
    expect(two.key(1).stateFor()).toMatchObject({ kind: 'permanent' });
    expect(two.key(0).stateFor()).toEqual({ kind: 'valid' });
  });

  test('a bounded number of models is kept for a key, the newest of them', async () => {
    const one = await aReplica();
    for (let model = 0; model < 150; model++) {
      one.forbid(0, `model-${model}`);
      if (model % 50 === 49) await one.tell();
    }
    const rows = await tables.rows(`SELECT scope FROM key_states WHERE scope <> ''`);
    expect(rows).toHaveLength(64);
    expect(rows).toContainEqual({ scope: 'model-149' });
    expect(rows).not.toContainEqual({ scope: 'model-0' });
  });

  test('a session says when it is lost, and what it had begun is undone', async () => {
    const one = await aReplica();
    one.reject(0);
    await tables.rows(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'aibridge session' AND datname = current_database()`,
    );
    await until('the loss', () => one.lost[0]);
    await expect(one.tell()).rejects.toThrow(/not queryable|terminat/);
    expect(await tables.rows('SELECT FROM key_states')).toEqual([]);
  });

  test('a session ends in time though the database has frozen', async () => {
    const way = await CuttableProxy.start(database.url);
    onTestFinished(() => way.cut());
    const { direct } = await aReplica(way.url);
    way.freeze();
    await expect(direct.close()).resolves.toBeUndefined();
  });
});
