import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Locks live as long as these objects: one that nobody refers to would be collected and given up. */
const held = new Set<DatabaseSync>();

/** SQLite's result code for a lock that another process holds. */
const SQLITE_BUSY = 5;
const SQLITE_CANTOPEN = 14;

export interface DirectoryLock {
  release(): void;
}

export class DirectoryInUseError extends Error {
  override readonly name = 'DirectoryInUseError';

  /** The pid is undefined in the instant between taking the lock and saying who did. */
  constructor(directory: string, pid: number | undefined) {
    super(`data directory ${directory} is in use by another bridge (pid ${pid ?? 'unknown'})`);
  }
}

/** Takes an existing directory for this process alone, or throws and says who has it. */
export function lockDirectory(directory: string): DirectoryLock {
  const lock = tryLockDirectory(directory);
  if (lock === undefined) throw new DirectoryInUseError(directory, holderOf(directory));
  return lock;
}

/**
 * Undefined when the directory is taken, be it by another process or by this one. The lock is the
 * operating system's, by way of SQLite's on the file `lock`: it goes with the process however that
 * ends, so there is never a stale one. The holder's pid stands in a file of its own, since closing
 * any other descriptor of the locked file would give the lock away.
 */
export function tryLockDirectory(directory: string): DirectoryLock | undefined {
  const database = new DatabaseSync(path.join(directory, 'lock'));
  try {
    database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (hasCode(error, SQLITE_BUSY)) return undefined;
    throw error;
  }
  const pidFile = pidFileOf(directory);
  writeFileSync(pidFile, `${process.pid}\n`);
  held.add(database);
  return {
    release() {
      if (!held.delete(database)) return;
      rmSync(pidFile, { force: true });
      database.close();
    },
  };
}

/**
 * Whether the directory is taken, be it by this process. Only looks, and where somebody once had
 * it: whoever is only just making it is not disturbed.
 */
export function isDirectoryLocked(directory: string): boolean {
  if (holderOf(directory) === undefined) return false;
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path.join(directory, 'lock'), { readOnly: true });
    database.exec('SELECT 1 FROM sqlite_schema');
    return false;
  } catch (error) {
    if (hasCode(error, SQLITE_BUSY)) return true;
    if (hasCode(error, SQLITE_CANTOPEN)) return false; // it has just been removed
    throw error;
  } finally {
    database?.close();
  }
}

function pidFileOf(directory: string): string {
  return path.join(directory, 'lock.pid');
}

function holderOf(directory: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(pidFileOf(directory), 'utf8'), 10);
  } catch {
    return undefined; // only makes the message poorer
  }
}

function hasCode(error: unknown, code: number): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === code;
}
