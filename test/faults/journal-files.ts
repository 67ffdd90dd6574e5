import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { until } from '../support/until.ts';

const SET_ASIDE = 'set-aside';

/** The journals of all bridges, living and dead, on a data directory. */
export async function journalsIn(dataDir: string): Promise<string[]> {
  const root = path.join(dataDir, 'journal');
  const entries = await readdir(root, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && entry.name !== SET_ASIDE)
    .map(({ name }) => path.join(root, name));
}

/** Resolves when nothing is left of the dead, so that one living bridge is alone. */
export async function orphansAreGone(dataDir: string): Promise<void> {
  await until(
    'the journals of the dead are taken over',
    async () => ((await journalsIn(dataDir)).length === 1 ? true : undefined),
    60_000,
  );
}
