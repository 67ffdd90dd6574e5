import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Fault } from './faults.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const PROGRAM = path.join(ROOT, 'dist');

/** A copy of the program beside it, so that it finds what it needs. */
export async function withFault<T>(
  fault: Fault | undefined,
  use: (program: string) => Promise<T>,
): Promise<T> {
  const copy = await mkdtemp(path.join(ROOT, 'dist-faulty-'));
  try {
    await cp(PROGRAM, copy, { recursive: true });
    if (fault !== undefined) await patch(copy, fault);
    return await use(path.join(copy, 'main.js'));
  } finally {
    await rm(copy, { recursive: true });
  }
}

/** The files in which stands what the fault changes, one as often as it does. */
export async function placesOf({ find }: Fault, directory = PROGRAM): Promise<readonly string[]> {
  const files = await readdir(directory, { recursive: true });
  const programs = files.filter((file) => file.endsWith('.js'));
  const places = programs.map(async (name) => {
    const file = path.join(directory, name);
    const pieces = (await readFile(file, 'utf8')).split(find);
    return pieces.slice(1).map(() => file);
  });
  return (await Promise.all(places)).flat();
}

async function patch(directory: string, fault: Fault): Promise<void> {
  const { title, find, replace } = fault;
  const places = await placesOf(fault, directory);
  const [program] = places;
  if (places.length !== 1 || program === undefined) {
    throw new Error(`${title}: what it changes stands in ${places.length} places: ${find}`);
  }
  const text = await readFile(program, 'utf8');
  await writeFile(
    program,
    text.replace(find, () => replace),
  );
}
