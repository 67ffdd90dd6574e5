import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answer, startSimulator, type Simulator } from '../simulator/index.ts';
import { Bridge } from '../support/bridge.ts';
import { temporaryDataDir } from '../support/postgres.ts';
import { messagesBody, POOL_KEY } from '../support/system.ts';

const START_MS_MAX = 3_000;
const STARTS_MAX = 6;

let simulator: Simulator;
let dataDir: string;

beforeAll(async () => {
  [simulator, dataDir] = await Promise.all([startSimulator(), temporaryDataDir()]);
  simulator.onAnyKey(answer({ text: 'hello' }));
});

afterAll(async () => {
  await simulator.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** With the embedded database, as on a machine where nothing else is installed. */
async function start(): Promise<Bridge> {
  return Bridge.start({
    dataDir,
    env: { AIBRIDGE_ANTHROPIC_BASE_URL: simulator.url, AIBRIDGE_ANTHROPIC_KEY: POOL_KEY },
  });
}

async function ask(bridge: Bridge): Promise<number> {
  const url = `${bridge.url}/anthropic/v1/messages`;
  return (await fetch(url, { method: 'POST', body: messagesBody() })).status;
}

test('after the first start the bridge serves within three seconds of the command', async () => {
  const first = await start();
  expect(await ask(first)).toBe(200);
  expect(await first.stop()).toBe(0);

  // The quickest of some: a machine that is busy with something else makes it longer, never shorter.
  let quickestMs = Infinity;
  for (let starts = 0; starts < STARTS_MAX && quickestMs >= START_MS_MAX; starts += 1) {
    const startedMs = performance.now();
    const again = await start();
    expect(await ask(again)).toBe(200);
    quickestMs = Math.min(quickestMs, performance.now() - startedMs);
    expect(await again.stop()).toBe(0);
  }
  expect(quickestMs).toBeLessThan(START_MS_MAX);
}, 120_000);
