import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { faultsSeed, shortOrLong } from '../support/fault-length.ts';
import { Load, type Served } from '../support/load.ts';
import { seeded } from '../support/seeded.ts';
import { until } from '../support/until.ts';
import { faultySystem } from './faulty-system.ts';
import { orphansAreGone } from './journal-files.ts';
import { disagreements } from './load-audit.ts';

const KILLS = shortOrLong(4, 20);
const CLIENTS = 32;

// The moment of the kill is the only sleep here: it is what the test is about.
test(
  `killed ${KILLS} times at random moments under load (FAULTS_SEED=${faultsSeed}): whoever received an answer finds its record, once and complete`,
  async () => {
    const system = await faultySystem();
    onTestFinished(() => system.remove());
    const random = seeded(faultsSeed);
    const served: Served[] = [];
    for (let round = 1; round <= KILLS; round += 1) {
      const bridge = await system.startBridge();
      const load = new Load(bridge.url, { round: String(round), clients: CLIENTS });
      await until('a first answer', () => load.served.some(({ isWhole }) => isWhole) || undefined);
      await delay(random() * 1_300);
      await bridge.kill();
      served.push(...(await load.stop()));
      expect(bridge.otherOutput).toEqual([]);
    }
    const survivor = await system.startBridge();
    await orphansAreGone(system.dataDir);

    expect(await disagreements(system.tables, served, system.simulator.calls)).toEqual([]);
    expect(served.filter(({ isWhole }) => isWhole).length).toBeGreaterThan(CLIENTS);
    expect(await survivor.stop()).toBe(0);
  },
  KILLS * 10_000 + 60_000,
);
