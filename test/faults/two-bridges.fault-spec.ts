import path from 'node:path';
import { rm } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { CuttableProxy } from '../support/cuttable-proxy.ts';
import { shortOrLong } from '../support/fault-length.ts';
import { temporaryDataDir } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { faultySystem, type FaultySystem } from './faulty-system.ts';
import { holdStream } from './held-stream.ts';
import { journalsIn, orphansAreGone } from './journal-files.ts';

/** How long a bridge has to be silent; the short run says that it has been. */
const waitsOut = shortOrLong(false, true);

test('one of two bridges is killed: the other closes what it left, and only that; its own journal then tells the truth', async () => {
  const system = await faultySystem();
  const [way, otherDataDir] = await Promise.all([
    CuttableProxy.start(system.databaseUrl),
    temporaryDataDir(),
  ]);
  onTestFinished(async () => {
    await system.remove();
    await way.cut();
    await rm(otherDataDir, { recursive: true });
  });
  const doomed = await system.startBridge({ env: { DATABASE_URL: way.url } });
  const survivor = await system.startBridge({ dataDir: otherDataDir });
  const lost = await holdStream(system.simulator, doomed.url);
  const ended = await holdStream(system.simulator, doomed.url);
  const running = await holdStream(system.simulator, survivor.url);
  const statuses = (): Promise<unknown[]> => statusesOf(system, lost, ended, running);
  await expect.poll(statuses).toEqual(['in_progress', 'in_progress', 'in_progress']);

  // Its end gets as far as the journal of the doomed one.
  await way.cut();
  expect(await ended.finish()).toMatchObject({ isWhole: true });
  await doomed.kill();
  const [journal = ''] = await journalsIn(system.dataDir);
  if (!waitsOut) await declareSilent(system, path.basename(journal));
  await survivor.log(({ msg }) => msg === 'closed what a silent process left open');
  expect(await statuses()).toEqual(['interrupted', 'interrupted', 'in_progress']);

  const successor = await system.startBridge();
  await orphansAreGone(system.dataDir);
  expect(await statuses()).toEqual(['interrupted', 'completed', 'in_progress']);

  expect(await running.finish()).toMatchObject({ isWhole: true });
  await expect.poll(statuses).toEqual(['interrupted', 'completed', 'completed']);
  expect(await Promise.all([survivor.stop(), successor.stop()])).toEqual([0, 0]);
  expect(await system.tables.rows('SELECT id FROM instances')).toEqual([]);
}, 120_000);

async function statusesOf(
  { tables }: FaultySystem,
  ...requests: readonly { readonly name: string }[]
): Promise<unknown[]> {
  const rows = await tables.rows(
    'SELECT user_agent, status FROM interceptions WHERE user_agent = ANY ($1)',
    [requests.map(({ name }) => name)],
  );
  return requests.map(({ name }) => rows.find((row) => row['user_agent'] === name)?.['status']);
}

async function declareSilent({ tables }: FaultySystem, instanceId: string): Promise<void> {
  const sql = `UPDATE instances SET heartbeat_at = now() - interval '31 seconds'
    WHERE id = $1 RETURNING id`;
  await until('the row of the dead', async () => (await tables.rows(sql, [instanceId]))[0]);
}
