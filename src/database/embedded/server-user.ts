import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { DatabaseError, reasonOf } from '../connection/database-error.ts';

/** As whom the embedded server runs, when that is not as the bridge itself. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

const NAME = 'postgres';
const USERADD_OPTIONS = '--system --user-group --no-create-home --shell /usr/sbin/nologin'.split(
  ' ',
);

/** Whether this process may run things as somebody else; PostgreSQL refuses to run as root. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** The system user `postgres`, made when there is none: files of `nobody` would be everybody's. */
export async function postgresUser(): Promise<ServerUser> {
  const found = await findUser();
  if (found !== undefined) return found;
  try {
    await promisify(execFile)('useradd', [...USERADD_OPTIONS, NAME]);
  } catch (error) {
    throw cannotRunAsRoot(reasonOf(error), error);
  }
  const created = await findUser();
  if (created === undefined) throw cannotRunAsRoot('it is not in /etc/passwd', undefined);
  return created;
}

async function findUser(): Promise<ServerUser | undefined> {
  const entries = (await readFile('/etc/passwd', 'utf8'))
    .split('\n')
    .map((line) => line.split(':'));
  const entry = entries.find(([name]) => name === NAME);
  return entry && { uid: Number(entry[2]), gid: Number(entry[3]) };
}

function cannotRunAsRoot(reason: string, cause: unknown): DatabaseError {
  return new DatabaseError(
    'embedded',
    `PostgreSQL does not run as root, and the user ${NAME} cannot be created (${reason}): ` +
      'create it, run the bridge as another user, or set DATABASE_URL',
    { cause },
  );
}

/** Whether the user can get to `target` and into it: a folder like /root lets nobody else through. */
export async function canReach(user: ServerUser, target: string): Promise<boolean> {
  const resolved = path.resolve(target);
  for (let at = resolved; ; at = path.dirname(at)) {
    if (!(await mayEnter(user, at))) return false;
    if (at === path.dirname(at)) return true;
  }
}

/** Reads the classic permission bits; the execute bit is what lets through a folder. */
async function mayEnter(user: ServerUser, target: string): Promise<boolean> {
  const { uid, gid, mode } = await stat(target);
  if (uid === user.uid) return (mode & 0o100) !== 0;
  return (mode & (gid === user.gid ? 0o010 : 0o001)) !== 0;
}
