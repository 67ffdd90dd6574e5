/*
 * What a call costs through the bridge, with recording on, beside the same call
 * made directly: latency one at a time, and calls a second 64 at a time, blocking
 * and streaming. Direct and bridged rounds alternate, so that a machine that is
 * busy with something else is busy for both; medians, and their ratio.
 *
 * Then what bounds the calls a second of one process, and what other load changes
 * least: CPU time of the bridge's main thread per call, with recording and metrics
 * on, beside that of a relay which does nothing but relay.
 * `npm run bench:relay`; `npm run bench:relay -- cpu` for the second part alone.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Pool } from 'undici';

const ROUNDS = 9;
const CALLS_ALONE = 150;
const CALLS_TOGETHER = 2_000;
const CONCURRENCY = 64;
const WARM_UP_ROUNDS = 4;
const CPU_ROUNDS = 24;
const CALLS_A_CPU_ROUND = 500;
/** A stream of 20 frames, each of which arrives alone. */
const PACED = '?frame-ms=4';

const root = new URL('..', import.meta.url).pathname;
const children: ChildProcess[] = [];

interface Program {
  readonly url: string;
  readonly child: ChildProcess;
}

/** Starts a program and finds out the address that it says it listens at. */
async function started(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Program> {
  const child = spawn(process.execPath, ['--import', './bench/cpu-probe.ts', ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  children.push(child);
  const { stdout } = child;
  if (stdout === null) throw new Error('the program was started without a pipe');
  for await (const line of createInterface({ input: stdout })) {
    const [url] = /http:\/\/[\d.:]+\d/.exec(line) ?? [];
    if (url === undefined) continue;
    stdout.resume();
    return { url, child };
  }
  throw new Error(`${args.join(' ')} ended`);
}

async function call(pool: Pool, path: string, isStreaming: boolean): Promise<void> {
  const { body, statusCode } = await pool.request({
    method: 'POST',
    path,
    headers: { 'x-api-key': 'sk-ant-bench-0000000000001', 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'claude-opus-4-5',
      max_tokens: 64,
      stream: isStreaming,
      messages: [{ role: 'user', content: 'How are you?' }],
    }),
  });
  await body.dump({ limit: Infinity });
  if (statusCode !== 200) throw new Error(`answered ${statusCode}`);
}

/** Milliseconds per call. */
async function timed(
  one: () => Promise<void>,
  calls: number,
  concurrency: number,
): Promise<number> {
  let left = calls;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await one();
    }
  };
  const startMs = performance.now();
  await Promise.all(Array.from({ length: concurrency }, worker));
  return (performance.now() - startMs) / calls;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

async function compare(name: string, isStreaming: boolean, concurrency: number): Promise<void> {
  const calls = concurrency === 1 ? CALLS_ALONE : CALLS_TOGETHER;
  const direct: number[] = [];
  const bridged: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const d = await timed(
      () => call(pools.simulator, '/v1/messages', isStreaming),
      calls,
      concurrency,
    );
    const b = await timed(
      () => call(pools.bridge, '/anthropic/v1/messages', isStreaming),
      calls,
      concurrency,
    );
    // The first round warms up.
    if (round > 0) {
      direct.push(d);
      bridged.push(b);
    }
  }
  const [d, b] = [median(direct), median(bridged)];
  const detail =
    concurrency === 1
      ? `direct ${d.toFixed(2)} ms, bridged ${b.toFixed(2)} ms, added ${(b - d).toFixed(2)} ms`
      : `direct ${(1000 / d).toFixed(0)}/s, bridged ${(1000 / b).toFixed(0)}/s`;
  process.stdout.write(`${name}: ${detail}, ratio ${(b / d).toFixed(2)}\n`);
}

/** CPU time of a program's main thread so far, in microseconds. */
async function cpuUs({ child }: Program): Promise<number> {
  const answer = once(child, 'message');
  child.send('cpu');
  const [us] = await answer;
  return Number(us);
}

async function cpuPerCall(
  program: Program,
  one: () => Promise<void>,
  calls: number,
): Promise<number> {
  const beforeUs = await cpuUs(program);
  await timed(one, calls, CONCURRENCY);
  return ((await cpuUs(program)) - beforeUs) / calls;
}

/** Many short rounds, whose ratios vary less than what they are ratios of. */
async function compareCpu(name: string, query: string): Promise<void> {
  const isStreaming = query !== '';
  const viaBare = () => call(pools.bare, `/v1/messages${query}`, isStreaming);
  const viaBridge = () => call(pools.bridge, `/anthropic/v1/messages${query}`, isStreaming);
  const bare: number[] = [];
  const bridged: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < CPU_ROUNDS; round += 1) {
    const b = await cpuPerCall(bareRelay, viaBare, CALLS_A_CPU_ROUND);
    const u = await cpuPerCall(bridge, viaBridge, CALLS_A_CPU_ROUND);
    if (round < 0) continue;
    bare.push(b);
    bridged.push(u);
  }
  const ratio = median(bridged.map((us, round) => us / (bare[round] ?? NaN)));
  process.stdout.write(
    `${name}: main thread ${median(bridged).toFixed(0)} us a call, ` +
      `bare relay ${median(bare).toFixed(0)} us, ratio ${ratio.toFixed(2)}\n`,
  );
}

const dataDir = await mkdtemp(join(tmpdir(), 'aibridge-bench-'));
await chmod(dataDir, 0o711);
const simulator = await started(['test/simulator/main.ts'], { PORT: '0', FAST: '1' });
const bareRelay = await started(['bench/bare-relay.ts', simulator.url], {});
const bridge = await started(['dist/main.js'], {
  PORT: '0',
  AIBRIDGE_DATA_DIR: dataDir,
  AIBRIDGE_ANTHROPIC_BASE_URL: simulator.url,
});
const pools = {
  simulator: new Pool(simulator.url, { connections: CONCURRENCY }),
  bare: new Pool(bareRelay.url, { connections: CONCURRENCY }),
  bridge: new Pool(bridge.url, { connections: CONCURRENCY }),
};
try {
  if (process.argv[2] !== 'cpu') {
    await compare('blocking, one at a time', false, 1);
    await compare('streaming, one at a time', true, 1);
    await compare(`blocking, ${CONCURRENCY} at a time`, false, CONCURRENCY);
    await compare(`streaming, ${CONCURRENCY} at a time`, true, CONCURRENCY);
  }
  await compareCpu('blocking', '');
  await compareCpu('streaming 20 frames', PACED);
} finally {
  await Promise.all(Object.values(pools).map((pool) => pool.close()));
  for (const child of children.toReversed()) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  await rm(dataDir, { recursive: true, force: true });
}
