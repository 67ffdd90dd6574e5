import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, chown, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { DatabaseError, reasonOf } from '../connection/database-error.ts';
import { hasCode, readIfThere } from './file-access.ts';
import { preparePostgresBinaries, type PostgresBinaries } from './postgres-binaries.ts';
import { canReach, isRoot, postgresUser, type ServerUser } from './server-user.ts';

export const SUPERUSER = 'aibridge';

/** Where root keeps what another user must be able to reach. */
const SYSTEM_DIRECTORY = '/var/lib/aibridge';

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
export async function prepareCluster(home: string): Promise<Cluster> {
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
  const directory = path.join(SYSTEM_DIRECTORY, `cluster-${randomUUID()}`);
  await mkdir(SYSTEM_DIRECTORY, { recursive: true });
  await chmod(SYSTEM_DIRECTORY, 0o755);
  await writeFile(locationFile(home), `${directory}\n`);
  return directory;
}

/** Made under another name and renamed when whole: a start that is killed midway leaves no cluster. */
async function initialise({ directory, password, user, binaries }: Cluster): Promise<void> {
  const draft = `${directory}.new`;
  const passwordCopy = `${directory}.password`;
  await rm(draft, { recursive: true, force: true });
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

async function runInitdb(
  { initdb }: PostgresBinaries,
  user: ServerUser | undefined,
  args: readonly string[],
): Promise<void> {
  const child = spawn(initdb, args, {
    cwd: '/',
    env: { LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...user,
  });
  try {
    const [output, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    if (code !== 0) throw new Error(output);
  } catch (error) {
    const hint = hasCode(error, 'ENOENT') ? ' (it needs a Linux with glibc)' : '';
    const message = `initdb of the embedded PostgreSQL failed${hint}: ${reasonOf(error)}`;
    throw new DatabaseError('embedded', message, { cause: error });
  }
}

function locationFile(home: string): string {
  return path.join(home, 'location');
}

function passwordFile(home: string): string {
  return path.join(home, 'password');
}
