import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { hasCode } from '../../core/error-code.ts';
import { DatabaseError } from '../connection/database-error.ts';
import { readIfThere } from './file-access.ts';

/** A running server, as its `postmaster.pid` describes it. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
}

const POLL_MS = 20;
const FAST_STOP_MS = 30_000;
const IMMEDIATE_STOP_MS = 10_000;

/** The server that runs on this cluster, whoever started it; a file that only claims so is no server. */
export async function findPostmaster(cluster: string): Promise<Postmaster | undefined> {
  const text = await readIfThere(path.join(cluster, 'postmaster.pid'));
  const lines = (text ?? '').split('\n');
  const pid = Number.parseInt(lines[0] ?? '', 10);
  if (!Number.isInteger(pid) || !isAlive(pid)) return undefined;
  if (!(await commandLine(pid)).includes(cluster)) return undefined;
  return { pid, port: Number.parseInt(lines[3] ?? '', 10) };
}

/**
 * Makes way for a new server on the cluster. One whose bridge was killed is being stopped by its
 * guardian, or has outlived that one too; it is not adopted: it may be of an older version, its log
 * goes nowhere, and nobody would hear it end. The caller holds the directory's lock, so there is no
 * live bridge behind it.
 */
export async function clearCluster(cluster: string, log: (line: string) => void): Promise<void> {
  const orphan = await findPostmaster(cluster);
  if (orphan !== undefined) {
    log(`waiting for the embedded server of a bridge that is gone (pid ${orphan.pid})`);
    await stopPostmaster(cluster);
  }
  // PostgreSQL itself sees through most stale files, but not when the pid is in use again, which in
  // a container it often is. A live server would still be found by its shared memory.
  await rm(path.join(cluster, 'postmaster.pid'), { force: true });
}

/** Resolves when no server runs on the cluster, which is at once when none does. */
export async function stopPostmaster(cluster: string): Promise<void> {
  if (await stopped(cluster, 'SIGINT', FAST_STOP_MS)) return;
  if (await stopped(cluster, 'SIGQUIT', IMMEDIATE_STOP_MS)) return;
  throw new DatabaseError('embedded', `the embedded server on ${cluster} does not stop`);
}

/** Goes by the file and not by the pid, which a parent that does not wait for it may keep taken. */
async function stopped(
  cluster: string,
  signal: NodeJS.Signals,
  withinMs: number,
): Promise<boolean> {
  const server = await findPostmaster(cluster);
  if (server !== undefined) sendSignal(server.pid, signal);
  for (let waitedMs = 0; waitedMs < withinMs; waitedMs += POLL_MS) {
    if ((await findPostmaster(cluster)) === undefined) return true;
    await delay(POLL_MS);
  }
  return false;
}

/** It may end by itself in this very moment. */
function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

async function commandLine(pid: number): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    const listing = promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]);
    return listing.then(
      ({ stdout }) => stdout,
      () => '', // gone in the meantime
    );
  }
}
