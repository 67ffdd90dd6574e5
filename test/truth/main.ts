import process, { stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { startSharedServer } from '../support/postgres.ts';
import { HABITS, habitsNamed, HABITS_READ } from './habits.ts';
import { runTruth, type TruthResult } from './truth-run.ts';

const USAGE = `npm run test:truth -- [--requests 20000] [--seed N] [--habits list] [--mismatches 100]

Asks two bridges that many times, kills them in between, and compares what clients saw, what the
provider did and what was recorded. Memory does not grow with the length. Ends with 1 when anything
differs. On the embedded PostgreSQL, or on that of TEST_DATABASE_URL.

  --seed        the random choices of an earlier run, once more
  --habits      all, none or some of: ${HABITS.join(', ')}
  --mismatches  how many differences end the run
`;
const TELL_EVERY_MS = 5_000;

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(1 + (Date.now() % 1_000_000)) },
    habits: { type: 'string' },
    mismatches: { type: 'string', default: '100' },
    help: { type: 'boolean', default: false },
  },
});

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());

if (values.help) stdout.write(USAGE);
else await compare();

async function compare(): Promise<void> {
  const requests = wholeNumber('requests', values.requests);
  const seed = wholeNumber('seed', values.seed);
  const startedMs = performance.now();
  stdout.write(`truth: ${requests} requests, seed ${seed}\n`);
  const server = await startSharedServer();
  let toldMs = startedMs;
  let told = 0;
  const tell = ({ mismatches }: TruthResult): void => {
    for (const mismatch of mismatches.slice(told)) stdout.write(`\n${mismatch}\n\n`);
    told = mismatches.length;
  };
  try {
    const result = await runTruth({
      seed,
      requests,
      habits: values.habits === undefined ? HABITS_READ : habitsNamed(values.habits),
      server,
      mismatchesMax: wholeNumber('mismatches', values.mismatches),
      signal: stopping.signal,
      onProgress: (progress) => {
        tell(progress);
        if (performance.now() - toldMs < TELL_EVERY_MS) return;
        toldMs = performance.now();
        stdout.write(`${line(progress, startedMs)}\n`);
      },
    });
    tell(result);
    stdout.write(`${line(result, startedMs)}\n${JSON.stringify(result.endings)}\n`);
    if (result.mismatchCount > 0 || stopping.signal.aborted) process.exitCode = 1;
  } finally {
    await server.stop();
  }
}

/** A run of no length would differ in nothing. */
function wholeNumber(name: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${name} ${text} is no whole number above 0`);
  return Number(text);
}

function line({ compared, kills, mismatchCount }: TruthResult, startedMs: number): string {
  const seconds = (performance.now() - startedMs) / 1_000;
  const rate = Math.round(compared / seconds);
  const memory = Math.round(process.memoryUsage.rss() / 1024 / 1024);
  return `${compared} compared, ${mismatchCount} differ, ${kills} kills, ${Math.round(seconds)} s, ${rate}/s, ${memory} MiB`;
}
