/** `npm run test:truth:faults`: the truth test finds every one of some deliberate faults. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process, { stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { startSharedServer, type TestServer } from '../support/postgres.ts';
import { FAULTS, type Fault } from './faults.ts';
import { HABITS_READ } from './habits.ts';
import { runTruth, type TruthResult } from './truth-run.ts';

const ROOT = path.join(import.meta.dirname, '../..');

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '4800' },
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

/** A copy of the program beside it, so that it finds what it needs. */
async function withFault<T>(
  fault: Fault | undefined,
  use: (program: string) => Promise<T>,
): Promise<T> {
  const copy = await mkdtemp(path.join(ROOT, 'dist-faulty-'));
  try {
    await cp(path.join(ROOT, 'dist'), copy, { recursive: true });
    if (fault !== undefined) await patch(copy, fault);
    return await use(path.join(copy, 'main.js'));
  } finally {
    await rm(copy, { recursive: true });
  }
}

async function patch(directory: string, { title, find, replace }: Fault): Promise<void> {
  const files = await readdir(directory, { recursive: true });
  const programs = files
    .filter((file) => file.endsWith('.js'))
    .map((file) => path.join(directory, file));
  const texts = await Promise.all(programs.map((file) => readFile(file, 'utf8')));
  const places = texts.flatMap((text, index) =>
    text
      .split(find)
      .slice(1)
      .map(() => index),
  );
  const [place = -1] = places;
  const program = programs[place];
  if (places.length !== 1 || program === undefined) {
    throw new Error(`${title}: what it changes stands in ${places.length} places: ${find}`);
  }
  await writeFile(
    program,
    (texts[place] ?? '').replace(find, () => replace),
  );
}
