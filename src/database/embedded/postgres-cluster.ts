import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { DatabaseError, reasonOf } from '../connection/database-error.ts';
import { readIfThere } from './file-access.ts';
import { spawnGuarded } from './guarded-process.ts';
import { preparePostgresBinaries, type PostgresBinaries } from './postgres-binaries.ts';
import { canReach, isRoot, postgresUser, type ServerUser } from './server-user.ts';
import { claim, removeAbandoned, SYSTEM_DIRECTORY } from './system-directory.ts';

export const SUPERUSER = 'aibridge';

/** After a cluster's name, that of one that is being made. */
const DRAFT = '.new-';

/** An initialised cluster, and all that it takes to run a server on it. */
export interface Cluster {
  readonly directory: string;
  readonly password: string;
  readonly user: ServerUser | undefined;
  readonly binaries: PostgresBinaries;
}

/** What an earlier start left. */
interface Found extends ServerUser {
  readonly version: string;
}

/** Finds the cluster that belongs to the folder `home`, or makes it. */
export async function prepareCluster(home: string, log: (line: string) => void): Promise<Cluster> {
  await removeAbandoned(log, (await isNew(home)) ? home : undefined);
  const remembered = await clusterDirectory(home);
  const found = await examine(remembered);
  const user = await serverUser(remembered, found);
  const binaries = await preparePostgresBinaries(user, isRoot() ? SYSTEM_DIRECTORY : home);
  if (found === undefined) return create(home, user, binaries);
  if (found.version !== binaries.major) {
    throw new DatabaseError(
      'embedded',
      `${remembered} is of PostgreSQL ${found.version}, and this program brings ${binaries.major}: ` +
        'dump it with the old version of this program, or set DATABASE_URL',
    );
  }
  if (path.dirname(remembered) === SYSTEM_DIRECTORY) await claim(remembered, home);
  return { directory: remembered, password: await passwordOf(home), user, binaries };
}

/** Inside the home, unless an earlier start had to put it elsewhere and noted where. */
export async function clusterDirectory(home: string): Promise<string> {
  return (await readIfThere(locationFile(home)))?.trim() ?? path.join(home, 'cluster');
}

export async function passwordOf(home: string): Promise<string> {
  const password = await readIfThere(passwordFile(home));
  if (password !== undefined) return password.trim();
  throw new DatabaseError(
    'embedded',
    `${passwordFile(home)} is missing, and without it nobody gets into the embedded database: ` +
      `restore it, or remove ${home} to begin anew`,
  );
}

/** Nothing in it says that there was ever a cluster of its own. */
async function isNew(home: string): Promise<boolean> {
  const known = await Promise.all([locationFile(home), passwordFile(home)].map(readIfThere));
  return known.every((content) => content === undefined);
}

async function examine(directory: string): Promise<Found | undefined> {
  const version = await readIfThere(path.join(directory, 'PG_VERSION'));
  if (version === undefined) return undefined;
  const { uid, gid } = await stat(directory);
  return { version: version.trim(), uid, gid };
}

/** PostgreSQL insists on running as the owner of its files, and never as root. */
async function serverUser(
  directory: string,
  found: Found | undefined,
): Promise<ServerUser | undefined> {
  if (isRoot() && found?.uid !== 0) return found ?? (await postgresUser());
  const uid = process.getuid?.();
  if (found === undefined || (found.uid === uid && uid !== 0)) return undefined;
  throw new DatabaseError(
    'embedded',
    `${directory} belongs to the user ${found.uid}, as whom the embedded PostgreSQL cannot be run ` +
      `by the user ${uid}: give it another owner, or use another AIBRIDGE_DATA_DIR`,
  );
}

async function create(
  home: string,
  user: ServerUser | undefined,
  binaries: PostgresBinaries,
): Promise<Cluster> {
  const directory = await place(home, user);
  const password = randomBytes(24).toString('hex');
  await writeFile(passwordFile(home), `${password}\n`, { mode: 0o600 });
  const cluster = { directory, password, user, binaries };
  await initialise(cluster);
  return cluster;
}

/** A data directory below /root, say, cannot be entered by the user that the server runs as. */
async function place(home: string, user: ServerUser | undefined): Promise<string> {
  if (user === undefined || (await canReach(user, home))) return path.join(home, 'cluster');
  const noted = await readIfThere(locationFile(home));
  const directory = noted?.trim() ?? path.join(SYSTEM_DIRECTORY, `cluster-${randomUUID()}`);
  await claim(directory, home);
  await writeFile(locationFile(home), `${directory}\n`);
  return directory;
}

/**
 * Made under another name and renamed when whole: a start that is killed midway leaves no cluster.
 * The name is new each time, for an `initdb` of that start may still be about to stop.
 */
async function initialise({ directory, password, user, binaries }: Cluster): Promise<void> {
  await removeDrafts(directory);
  const draft = `${directory}${DRAFT}${randomUUID()}`;
  const passwordCopy = `${draft}.password`;
  await mkdir(draft, { mode: 0o700 });
  await writeFile(passwordCopy, `${password}\n`, { mode: 0o600 });
  if (user !== undefined) await chown(draft, user.uid, user.gid);
  if (user !== undefined) await chown(passwordCopy, user.uid, user.gid);
  try {
    await runInitdb(binaries, user, [
      `--pgdata=${draft}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordCopy}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale-provider=builtin', // the same order of texts on every machine
      '--locale=C.UTF-8',
      '--no-sync', // nothing to lose yet
    ]);
  } finally {
    await rm(passwordCopy, { force: true });
  }
  await rename(draft, directory);
}

async function removeDrafts(directory: string): Promise<void> {
  const names = await readdir(path.dirname(directory));
  const drafts = names.filter((name) => name.startsWith(`${path.basename(directory)}${DRAFT}`));
  for (const name of drafts) {
    const draft = path.join(path.dirname(directory), name);
    await rm(draft, { recursive: true, force: true, maxRetries: 10 });
  }
}

async function runInitdb(
  { initdb }: PostgresBinaries,
  user: ServerUser | undefined,
  args: readonly string[],
): Promise<void> {
  const child = spawnGuarded(initdb, args, user);
  try {
    const [output, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    if (code !== 0) throw new Error(output);
  } catch (error) {
    const reason = reasonOf(error);
    const hint = reason.includes('ENOENT') ? ' (it needs a Linux with glibc)' : '';
    const message = `initdb of the embedded PostgreSQL failed${hint}: ${reason}`;
    throw new DatabaseError('embedded', message, { cause: error });
  }
}

function locationFile(home: string): string {
  return path.join(home, 'location');
}

function passwordFile(home: string): string {
  return path.join(home, 'password');
}
