/*
 * What a call costs through the bridge, with recording on, beside the same call
 * made directly: latency one at a time, and calls a second 64 at a time, blocking
 * and streaming. Direct and bridged rounds alternate, so that a machine that is
 * busy with something else is busy for both; medians, and their ratio.
 * `npm run bench:relay`
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

const root = new URL('..', import.meta.url).pathname;
const children: ChildProcess[] = [];

/** Answers the address that a program says it listens at. */
async function started(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const [url] = /http:\/\/[\d.:]+\d/.exec(line) ?? [];
    if (url === undefined) continue;
    child.stdout.resume();
    return url;
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
    const d = await timed(() => call(simulator, '/v1/messages', isStreaming), calls, concurrency);
    const b = await timed(
      () => call(bridge, '/anthropic/v1/messages', isStreaming),
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

const dataDir = await mkdtemp(join(tmpdir(), 'aibridge-bench-'));
await chmod(dataDir, 0o711);
const simulatorUrl = await started(['test/simulator/main.ts'], { PORT: '0', FAST: '1' });
const bridgeUrl = await started(['dist/main.js'], {
  PORT: '0',
  AIBRIDGE_DATA_DIR: dataDir,
  AIBRIDGE_ANTHROPIC_BASE_URL: simulatorUrl,
});
const simulator = new Pool(simulatorUrl, { connections: CONCURRENCY });
const bridge = new Pool(bridgeUrl, { connections: CONCURRENCY });
try {
  await compare('blocking, one at a time', false, 1);
  await compare('streaming, one at a time', true, 1);
  await compare(`blocking, ${CONCURRENCY} at a time`, false, CONCURRENCY);
  await compare(`streaming, ${CONCURRENCY} at a time`, true, CONCURRENCY);
} finally {
  await Promise.all([simulator.close(), bridge.close()]);
  for (const child of children.toReversed()) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  await rm(dataDir, { recursive: true, force: true });
}
