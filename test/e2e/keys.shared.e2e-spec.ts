import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { answer, rateLimited, unauthorized } from '../simulator/index.ts';
import { AuditTables } from '../support/audit-tables.ts';
import type { LogLine } from '../support/bridge.ts';
import { CuttableProxy } from '../support/cuttable-proxy.ts';
import { until } from '../support/until.ts';
import { ask, becomes, FIRST, KeysSystem, reset, SECOND } from './keys-system.ts';

/** What the contract promises to all workers and replicas on one database. */
const PROMISED_MS = 1_000;

const isCutOff = ({ msg }: LogLine): boolean => msg.startsWith('key states are not shared for now');

let system: KeysSystem;

beforeEach(async () => {
  system = await KeysSystem.start();
  system.simulator.key(SECOND).always(answer());
});
afterEach(() => system.stop());

describe('two bridges on one database', () => {
  test.each([
    { says: 'a rate limit', behaviour: rateLimited({ retryAfter: 60 }), state: 'temporary' },
    { says: 'a rejection', behaviour: unauthorized(), state: 'permanent' },
  ] as const)('$says met by one is heeded by the other within a second', async (row) => {
    const [one, two] = await Promise.all([system.bridge(), system.bridge()]);
    system.simulator.key(FIRST).always(row.behaviour);
    expect((await ask(one)).status).toBe(200);
    expect(await becomes(two, FIRST, row.state, PROMISED_MS)).toMatchObject({
      state: row.state,
      position: 0,
    });
    expect((await ask(two)).status).toBe(200);
    expect(system.simulator.callsFor(FIRST)).toHaveLength(1);
  });

  test('a key that is reset on one serves on the other within a second', async () => {
    const [one, two] = await Promise.all([system.bridge(), system.bridge()]);
    system.simulator.key(FIRST).inOrder(unauthorized()).always(answer());
    await ask(one);
    await becomes(two, FIRST, 'permanent', PROMISED_MS);
    expect((await reset(two, FIRST)).status).toBe(200);
    await becomes(one, FIRST, 'valid', PROMISED_MS);
    await ask(one);
    expect(system.simulator.callsFor(FIRST)).toHaveLength(2);
  });

  test('a limit that both meet at once is one event of the history', async () => {
    const [one, two] = await Promise.all([system.bridge(), system.bridge()]);
    system.simulator.key(FIRST).always(rateLimited({ retryAfter: 60 }));
    await Promise.all([one, one, one, two, two, two].map((bridge) => ask(bridge)));
    await becomes(one, FIRST, 'temporary');
    await becomes(two, FIRST, 'temporary');
    const tables = await AuditTables.open(system.database.url);
    const written = () =>
      until('the event', async () => {
        const rows = await tables.rows('SELECT * FROM key_events');
        return rows.length > 0 ? rows : undefined;
      });
    expect(await written()).toMatchObject([
      { previous_state: 'valid', state: 'temporary', reason: 'rate_limited', status: 429 },
    ]);
    await Promise.all([one.stop(), two.stop()]); // whatever there is to tell has been told by then
    expect(await written()).toHaveLength(1);
    await tables.close();
  });

  test('both go on by themselves while the database is away, and agree again when it is back', async () => {
    const way = await CuttableProxy.start(system.database.url);
    const [one, two] = await Promise.all([
      system.bridge({ DATABASE_URL: way.url }),
      system.bridge({ DATABASE_URL: way.url }),
    ]);
    await way.cut();
    await Promise.all([one.log(isCutOff), two.log(isCutOff)]);

    system.simulator.key(FIRST).inOrder(unauthorized()).always(answer());
    expect((await ask(one)).status).toBe(200);
    await becomes(one, FIRST, 'permanent');
    // The other has heard nothing of it and asks the provider itself, who takes the key again.
    expect((await ask(two)).status).toBe(200);
    expect(system.simulator.callsFor(FIRST)).toHaveLength(2);
    await becomes(two, FIRST, 'valid');

    await way.mend();
    await becomes(two, FIRST, 'permanent');
    await becomes(one, FIRST, 'permanent');
    expect((await reset(one, FIRST)).status).toBe(200);
    await becomes(two, FIRST, 'valid', PROMISED_MS);
    await Promise.all([one.stop(), two.stop()]);
    await way.cut();
  });

  test('a bridge that starts without the database serves, and learns of the keys when it comes', async () => {
    const before = await system.bridge();
    system.simulator.key(FIRST).inOrder(unauthorized()).always(answer());
    await ask(before);
    await before.stop();

    const way = await CuttableProxy.start(system.database.url);
    await way.cut();
    const after = await system.bridgeWithoutDatabase({ DATABASE_URL: way.url });
    expect((await ask(after)).status).toBe(200);
    await way.mend();
    await becomes(after, FIRST, 'permanent', 15_000);
    await after.stop();
    await way.cut();
  });
});

test.each(['stopped', 'killed'])(
  'a bridge knows after a restart what it was told before it was %s',
  async (how) => {
    const before = await system.bridge();
    system.simulator.key(FIRST).always(unauthorized());
    await ask(before);
    if (how === 'stopped') await before.stop();
    else {
      const tables = await AuditTables.open(system.database.url);
      await until('the record', async () => (await tables.rows('SELECT FROM key_states'))[0]);
      await tables.close();
      await before.kill();
    }
    const after = await system.bridge();
    await becomes(after, FIRST, 'permanent', PROMISED_MS);
    await ask(after);
    expect(system.simulator.callsFor(FIRST)).toHaveLength(1);
  },
);
