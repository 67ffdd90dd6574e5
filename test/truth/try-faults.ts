/** `npm run test:truth:faults`: the truth test finds every one of some deliberate faults. */
import process, { stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { startSharedServer, type TestServer } from '../support/postgres.ts';
import { FAULTS } from './faults.ts';
import { withFault } from './faulty-program.ts';
import { HABITS_READ } from './habits.ts';
import { runTruth, type TruthResult } from './truth-run.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '6400' },
    seed: { type: 'string', default: '1' },
    /** A part of the titles of those that are to be tried. */
    only: { type: 'string', default: '' },
  },
});

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());

const server = await startSharedServer();
try {
  await tryAll(server);
} finally {
  await server.stop();
}

/** The program without a fault passes, and with any of them it does not. */
async function tryAll(on: TestServer): Promise<void> {
  const wanted = FAULTS.filter(({ title }) => title.includes(values.only));
  const sound = await withFault(undefined, (program) => tryOut(on, program));
  tell('no fault at all', sound.mismatchCount === 0, sound);
  for (const fault of wanted) {
    stopping.signal.throwIfAborted();
    const result = await withFault(fault, (program) => tryOut(on, program));
    tell(fault.title, result.mismatchCount > 0, result);
  }
}

function tryOut(on: TestServer, program: string): Promise<TruthResult> {
  const requests = Number(values.requests);
  const seed = Number(values.seed);
  return runTruth({
    seed,
    requests,
    habits: HABITS_READ,
    server: on,
    program,
    mismatchesMax: 1,
    signal: stopping.signal,
  });
}

function tell(title: string, isAsExpected: boolean, result: TruthResult): void {
  const { compared, mismatchCount, mismatches } = result;
  stdout.write(
    `${isAsExpected ? 'ok  ' : 'FAIL'} ${title}: ${mismatchCount} of ${compared} differ\n`,
  );
  // What was found is to be about the fault, which no program can tell.
  const [first] = mismatches;
  if (first !== undefined) stdout.write(`${first.replaceAll(/^/gm, '       ')}\n`);
  if (!isAsExpected) process.exitCode = 1;
}
