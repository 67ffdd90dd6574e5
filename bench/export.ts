/*
 * What an export of a million records costs: how much the bridge's memory grows, and
 * how much longer a call takes meanwhile, as a ratio to the calls before and after it.
 * `DATABASE_URL=… npm run bench:export`, on a database that `npm run bench:audit` has filled.
 * Ends with 1 when it is more than an export may cost.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process, { stdout } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Bridge } from '../test/support/bridge.ts';
import { median } from '../test/support/load.ts';
import { messagesBody, POOL_KEY, residentMiB } from '../test/support/system.ts';
import { answer, startSimulator } from '../test/simulator/index.ts';
import { onDatabase, startOnFilled } from './filled-database.ts';

const RECORDS = 1_000_000;
const GROWTH_MIB_MAX = 50;
const RATIO_MAX = 1.3;
const CALLS_QUIET = 1_000;
const QUESTIONS = 10;
const PAUSE_MS = 5;
const SAMPLE_MS = 50;
const MS = 'ms of the median call';

/** Reads an answer to its end in a process of its own, so that the clock of this one is not disturbed. */
const READER = `
  let lines = 0;
  for await (const chunk of (await fetch(process.argv[1])).body)
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines += 1;
  console.log(lines);`;

await onDatabase('bench/export.ts wants DATABASE_URL\n', measure);

async function measure(databaseUrl: string): Promise<number> {
  const simulator = await startSimulator();
  simulator.onAnyKey(() => answer({ text: 'a few words' }));
  const bridge = await startOnFilled(databaseUrl, {
    AIBRIDGE_PROVIDER_0_TYPE: 'anthropic',
    AIBRIDGE_PROVIDER_0_BASE_URL: simulator.url,
    AIBRIDGE_PROVIDER_0_KEYS: POOL_KEY,
  });
  try {
    const since = await startOfNewest(databaseUrl);
    // Warm: calls have been served, and questions have been asked.
    await calls(bridge, () => CALLS_QUIET);
    for (let n = 0; n < QUESTIONS; n++) {
      await (await fetch(`${bridge.url}/api/v1/interceptions?limit=1000`)).arrayBuffer();
    }
    const verdicts: boolean[] = [];
    for (const format of ['ndjson', 'csv']) {
      const path = `/api/v1/interceptions/export?format=${format}&startedAfter=${since}`;
      verdicts.push(await exportedWell(bridge, format, path));
    }
    return verdicts.every(Boolean) ? 0 : 1;
  } finally {
    await bridge.stop();
    await simulator.close();
  }
}

/** One export alone, for what it adds to memory, and one beside calls, for what it adds to these. */
async function exportedWell(bridge: Bridge, format: string, path: string): Promise<boolean> {
  const memory = await residentMiB(bridge.pid);
  const begun = performance.now();
  const alone = started(`${bridge.url}${path}`);
  const growth = (await peakMemory(bridge, alone)) - memory;
  const lines = await alone.lines;
  const seconds = (performance.now() - begun) / 1_000;

  const before = await calls(bridge, () => CALLS_QUIET);
  const beside = started(`${bridge.url}${path}`);
  const during = await calls(bridge, (made) => (beside.isGoingOn() ? made + 1 : made));
  await beside.lines;
  const after = await calls(bridge, () => CALLS_QUIET);
  const quiet = median([...before, ...after]);
  const ratio = median(during) / quiet;
  stdout.write(
    `${format}: ${lines} lines in ${seconds.toFixed(0)} s; ` +
      `memory ${memory.toFixed(0)} MiB, +${growth.toFixed(0)}; ` +
      `${quiet.toFixed(2)} ${MS}, ${median(during).toFixed(2)} meanwhile, ratio ${ratio.toFixed(2)}\n`,
  );
  return growth < GROWTH_MIB_MAX && ratio < RATIO_MAX;
}

interface Reading {
  readonly lines: Promise<number>;
  isGoingOn(): boolean;
}

function started(address: string): Reading {
  let isReading = true;
  const lines = read(address).finally(() => (isReading = false));
  return { lines, isGoingOn: () => isReading };
}

async function read(address: string): Promise<number> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', READER, address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`the reader ended with ${code}`);
  return Number(text);
}

async function peakMemory(bridge: Bridge, reading: Reading): Promise<number> {
  let peak = 0;
  while (reading.isGoingOn()) {
    peak = Math.max(peak, await residentMiB(bridge.pid));
    await delay(SAMPLE_MS);
  }
  return peak;
}

/** How long calls take, one after another with a pause between, until so many are made. */
async function calls(bridge: Bridge, wanted: (made: number) => number): Promise<number[]> {
  const times: number[] = [];
  while (times.length < wanted(times.length)) {
    const begun = performance.now();
    const res = await fetch(`${bridge.url}/anthropic/v1/messages`, {
      method: 'POST',
      body: messagesBody(),
    });
    await res.arrayBuffer();
    if (res.status !== 200) throw new Error(`a call was answered ${res.status}`);
    times.push(performance.now() - begun);
    await delay(PAUSE_MS);
  }
  return times;
}

/** The start of the record that so many are newer than. */
async function startOfNewest(databaseUrl: string): Promise<string> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ at: Date }>(
    'SELECT started_at AS at FROM interceptions ORDER BY id DESC OFFSET $1 LIMIT 1',
    [RECORDS],
  );
  await client.end();
  const [row] = rows;
  if (row === undefined) throw new Error(`there are no ${RECORDS} records`);
  return row.at.toISOString();
}
