import { rename } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Load } from '../support/load.ts';
import { until } from '../support/until.ts';
import { faultySystem } from './faulty-system.ts';
import { journalsIn } from './journal-files.ts';
import { disagreements } from './load-audit.ts';

test('a writer that dies is replaced until one lives, and nothing is missing, doubled or counted twice', async () => {
  const system = await faultySystem();
  onTestFinished(() => system.remove());
  const bridge = await system.startBridge();
  await bridge.log(({ msg }) => msg === 'the database is ready');
  const load = new Load(bridge.url, { round: 'on', clients: 8 });
  await until('some records', async () => (await system.tables.rows(ENDED))[0]);

  // It cannot read what has gone; the journal itself goes on in the file that it has open.
  const [journal = ''] = await journalsIn(system.dataDir);
  await rename(journal, `${journal}.away`);
  const deaths = (): number => bridge.logs.filter(({ msg }) => msg === DIED).length;
  await until('two deaths', () => (deaths() >= 2 ? true : undefined));
  await rename(`${journal}.away`, journal);

  const served = await load.stop();
  await until('all is recorded', async () => ((await lag(bridge.url)) === 0 ? true : undefined));
  expect(served.every(({ status }) => status === 200)).toBe(true);
  expect(await disagreements(system.tables, served, system.simulator.calls)).toEqual([]);
  expect(await bridge.stop()).toBe(0);
  expect(await journalsIn(system.dataDir)).toEqual([]);
});

const DIED = 'the writer died and will be replaced';
const ENDED = `SELECT 1 FROM interceptions WHERE status = 'completed' LIMIT 1`;

async function lag(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^aibridge_journal_lag_records(?:\{.*\})? (-?\d+)/m.exec(metrics)?.[1]);
}
