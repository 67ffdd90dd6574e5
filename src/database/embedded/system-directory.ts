import { chmod, link, lstat, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { hasCode } from '../../core/error-code.ts';
import { reasonOf } from '../connection/database-error.ts';
import { readIfThere } from './file-access.ts';
import { findPostmaster } from './postmaster.ts';
import { isRoot } from './server-user.ts';

/** Where root keeps what another user must be able to reach: programs, and clusters. */
export const SYSTEM_DIRECTORY = '/var/lib/aibridge';

/** Ends the name of the file beside a cluster that says whose it is. */
const OWNER = '.owner';
const CLUSTER_NOTE = /^cluster-.+\.owner$/;

/** The folder in a data directory that a cluster elsewhere belongs to. */
interface Owner {
  readonly home: string;
  /** The file system it is on: whether one is gone can only be told while that is mounted. */
  readonly device: number;
}

/**
 * Notes whose the cluster is, before there is one, so that none is ever without its owner. The note
 * has a second name in the home where the file system allows it: a home that was moved is not gone.
 */
export async function claim(cluster: string, home: string): Promise<void> {
  await mkdir(SYSTEM_DIRECTORY, { recursive: true });
  await chmod(SYSTEM_DIRECTORY, 0o755);
  const { dev: device } = await lstat(home);
  const owner: Owner = { home, device };
  await writeFile(`${cluster}${OWNER}`, `${JSON.stringify(owner)}\n`);
  try {
    await link(`${cluster}${OWNER}`, path.join(home, 'owner'));
  } catch (error) {
    if (!hasCode(error, 'EEXIST', 'EXDEV', 'EPERM', 'ENOTSUP')) throw error;
  }
}

/**
 * Removes the clusters whose data directories are gone, and never one of which that is not certain.
 * `newHome` exists and never had a cluster: what is noted as its own was its predecessor's.
 */
export async function removeAbandoned(
  log: (line: string) => void,
  newHome?: string,
): Promise<void> {
  if (!isRoot()) return;
  for (const name of await namesIn(SYSTEM_DIRECTORY)) {
    if (!CLUSTER_NOTE.test(name)) continue;
    const cluster = path.join(SYSTEM_DIRECTORY, path.basename(name, OWNER));
    try {
      const owner = await ownerOf(cluster);
      if (owner === undefined) continue;
      if (owner.home !== newHome && !(await isGone(owner))) continue;
      if ((await findPostmaster(cluster)) !== undefined) continue; // its guardian is at it
      await remove(cluster);
      log(`removed ${cluster}, whose data directory ${path.dirname(owner.home)} is gone`);
    } catch (error) {
      log(`WARNING:  ${cluster} cannot be looked after: ${reasonOf(error)}`);
    }
  }
}

/** Undefined for a note that its home holds on to, wherever that is, and for one that says nothing. */
async function ownerOf(cluster: string): Promise<Owner | undefined> {
  const file = `${cluster}${OWNER}`;
  if ((await lstat(file)).nlink > 1) return undefined;
  const note: unknown = JSON.parse((await readIfThere(file)) ?? 'null');
  if (typeof note !== 'object' || note === null) return undefined;
  if (!('home' in note) || typeof note.home !== 'string') return undefined;
  if (!('device' in note) || typeof note.device !== 'number') return undefined;
  return { home: note.home, device: note.device };
}

/** A folder on a disk that is not mounted now, or in another container, only looks as if it were. */
async function isGone({ home, device }: Owner): Promise<boolean> {
  if ((await deviceOf(home)) !== undefined) return false;
  for (let at = path.dirname(home); ; at = path.dirname(at)) {
    const found = await deviceOf(at);
    if (found !== undefined) return found === device;
    if (at === path.dirname(at)) return false;
  }
}

/** Undefined when there is nothing; throws when that cannot be seen. */
async function deviceOf(target: string): Promise<number | undefined> {
  try {
    return (await lstat(target)).dev;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** The note goes last, so that a removal that was cut short is taken up again. */
async function remove(cluster: string): Promise<void> {
  const prefix = path.basename(cluster);
  const names = (await namesIn(SYSTEM_DIRECTORY)).filter((name) => name.startsWith(prefix));
  for (const name of names.filter((one) => one !== `${prefix}${OWNER}`)) {
    await rm(path.join(SYSTEM_DIRECTORY, name), { recursive: true, force: true });
  }
  await rm(`${cluster}${OWNER}`, { force: true });
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
