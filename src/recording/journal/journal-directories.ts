import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tryLockDirectory, type DirectoryLock } from '../../core/directory-lock.ts';

/** Everything a process cannot store or read goes here, and stays for an operator to look at. */
export const SET_ASIDE = 'set-aside';
/** What takes the database longer than a batch may, each record in a file of its own until it is stored. */
export const LATE = 'late';

/** A journal is named by the process that wrote it; other folders may be there for other reasons. */
const INSTANCE_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const LOCK_FILE = 'lock';

export function isJournalName(name: string): boolean {
  return INSTANCE_ID.test(name);
}

export interface OwnedJournal {
  readonly instanceId: string;
  readonly directory: string;
  readonly lock: DirectoryLock;
}

/** The journal of this process; nobody else reads it while the process lives. */
export async function createJournalDirectory(
  root: string,
  instanceId: string,
): Promise<OwnedJournal> {
  const directory = join(root, instanceId);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const lock = tryLockDirectory(directory);
  if (lock === undefined) throw new Error(`the new journal ${instanceId} is locked already`);
  return { instanceId, directory, lock };
}

/**
 * The journals that dead processes left, each taken by exactly one of those who
 * ask: the lock of a process goes with it, and only one can take it next.
 */
export async function* adoptOrphans(root: string, ownId: string): AsyncGenerator<OwnedJournal> {
  for (const entry of await readdir(root, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name === ownId || !isJournalName(entry.name)) continue;
    const directory = join(root, entry.name);
    if (!(await wasEverLocked(directory))) continue;
    const lock = tryLockDirectory(directory);
    if (lock !== undefined) yield { instanceId: entry.name, directory, lock };
  }
}

/** Whoever has a journal's lock puts something beside it; before that, its process is still starting. */
async function wasEverLocked(directory: string): Promise<boolean> {
  const names = await readdir(directory);
  return names.some((name) => name !== LOCK_FILE);
}

export async function removeJournal({ directory, lock }: OwnedJournal): Promise<void> {
  lock.release();
  await rm(directory, { recursive: true, force: true });
}
