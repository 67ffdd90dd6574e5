import { readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { runningEmbeddedUrl } from '../../src/database/embedded/embedded-postgres.ts';
import { clusterDirectory } from '../../src/database/embedded/postgres-cluster.ts';
import { findPostmaster } from '../../src/database/embedded/postmaster.ts';
import { startSimulator } from '../simulator/index.ts';
import { AuditTables } from '../support/audit-tables.ts';
import { Bridge } from '../support/bridge.ts';
import { faultsSeed } from '../support/fault-length.ts';
import { processesWith } from '../support/leftovers.ts';
import { answerLoad, Load, type Served } from '../support/load.ts';
import { temporaryDataDir } from '../support/postgres.ts';
import { seeded } from '../support/seeded.ts';
import { POOL_KEY } from '../support/system.ts';
import { until } from '../support/until.ts';
import { orphansAreGone } from './journal-files.ts';
import { disagreements } from './load-audit.ts';

const KILLS = 10;
const CLIENTS = 16;
/** What "within seconds" is on a machine that is busy with the checkpoint as well. */
const END_MS_MAX = 15_000;

async function embeddedSystem() {
  const [simulator, dataDir] = await Promise.all([startSimulator(), temporaryDataDir()]);
  answerLoad(simulator, { betweenEventsMs: 10 });
  onTestFinished(async () => {
    await simulator.close();
    await rm(dataDir, { recursive: true, force: true });
  });
  const provider = {
    AIBRIDGE_PROVIDER_0_TYPE: 'anthropic',
    AIBRIDGE_PROVIDER_0_BASE_URL: simulator.url,
    AIBRIDGE_PROVIDER_0_KEYS: POOL_KEY,
  };
  return { simulator, dataDir, startBridge: () => Bridge.start({ dataDir, env: provider }) };
}

/** Every process of an embedded server in this data directory has it in its command line. */
async function serverHasEnded(dataDir: string): Promise<void> {
  const ask = async () => ((await processesWith(dataDir)).length === 0 ? true : undefined);
  await until('the server of the killed bridge ends', ask, END_MS_MAX);
}

// The moments of the kills are the only sleeps here: they are what the test is about.
test(
  `killed ${KILLS} times under load (FAULTS_SEED=${faultsSeed}), started again at once or after its server has ended, a bridge loses nothing and leaves no process`,
  async () => {
    const { simulator, dataDir, startBridge } = await embeddedSystem();
    const random = seeded(faultsSeed);
    const served: Served[] = [];
    for (let round = 1; round <= KILLS; round += 1) {
      const bridge = await startBridge();
      const load = new Load(bridge.url, { round: String(round), clients: CLIENTS });
      await delay(random() * 2_000);
      await bridge.kill();
      served.push(...(await load.stop()));
      expect(bridge.otherOutput).toEqual([]);
      if (round % 2 === 0) await serverHasEnded(dataDir);
    }

    const survivor = await startBridge();
    await survivor.log(({ msg }) => msg === 'the database is ready');
    await orphansAreGone(dataDir);
    const tables = new AuditTables((await runningEmbeddedUrl(dataDir)) ?? '');
    expect(await disagreements(tables, served, simulator.calls)).toEqual([]);
    expect(served.filter(({ isWhole }) => isWhole).length).toBeGreaterThan(CLIENTS);
    await tables.close();

    await survivor.kill();
    await serverHasEnded(dataDir);
  },
  KILLS * 30_000,
);

test('a bridge that is killed while its database is made leaves no process, and its successor starts', async () => {
  const { dataDir, startBridge } = await embeddedSystem();
  const first = await startBridge();
  await until('initdb is at work', async () =>
    (await processesWith(dataDir)).some((line) => line.includes('initdb')) ? true : undefined,
  );
  await first.kill();
  await serverHasEnded(dataDir);
  await expect(stat(path.join(dataDir, 'postgres', 'cluster'))).rejects.toThrow('ENOENT');

  const second = await startBridge();
  await second.log(({ msg }) => msg === 'the database is ready');
  expect(await second.stop()).toBe(0);
  await serverHasEnded(dataDir);
});

test('a server ends with its bridge also when it is busy and everything in its bridge’s group is killed', async () => {
  const { dataDir, startBridge } = await embeddedSystem();
  const bridge = await startBridge();
  await bridge.log(({ msg }) => msg === 'the database is ready');
  const url = (await runningEmbeddedUrl(dataDir)) ?? '';
  const tables = new AuditTables(url);
  onTestFinished(() => tables.close());
  const busy = tables.rows('SELECT pg_sleep(600)').catch(String);
  const server = await findPostmaster(await clusterDirectory(path.join(dataDir, 'postgres')));
  expect(await groupOf(server?.pid)).not.toBe(await groupOf(bridge.pid));
  await bridge.kill();
  await serverHasEnded(dataDir);
  expect(await busy).toContain('terminat');
});

async function groupOf(pid: number | undefined): Promise<string | undefined> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8');
  return status.slice(status.lastIndexOf(')') + 2).split(' ')[2];
}
