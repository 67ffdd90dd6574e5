import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { hasCode } from '../../src/core/error-code.ts';
import { isAlive } from '../../src/database/embedded/postmaster.ts';
import { removeAbandoned } from '../../src/database/embedded/system-directory.ts';
import { until } from './until.ts';

/** How the data directories of a test run begin, which its process names. */
export function prefixOf(run: string | number): string {
  return `aibridge-run-${run}-`;
}

/** What runs have left whose process is gone: they were killed. */
export async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const run = /^aibridge-run-(\d+)-/.exec(name)?.[1];
    if (run === undefined || isAlive(Number(run))) continue;
    await rm(path.join(tmpdir(), name), { recursive: true, force: true, maxRetries: 10 });
  }
  await removeAbandoned(() => undefined);
}

/** Fails when a process still works in one of these directories, or one of them is still there. */
export async function nothingIsLeft(prefix: string): Promise<void> {
  let left: readonly string[] = [];
  try {
    await until('nothing is left', async () => {
      left = [...(await processesWith(prefix)), ...(await directoriesWith(prefix))];
      return left.length === 0 ? true : undefined;
    });
  } catch (error) {
    throw new Error(`left after the tests:\n${left.join('\n')}`, { cause: error });
  } finally {
    await removeAbandoned(() => undefined);
  }
}

/** The command lines, each with its pid, in which a text stands. */
export async function processesWith(part: string): Promise<string[]> {
  const lines = existsSync('/proc/self/cmdline') ? await fromProc() : await fromPs();
  return lines.filter((line) => line.includes(part));
}

async function fromProc(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return Promise.all(pids.map(async (pid) => `${pid}: ${await commandLine(pid)}`));
}

async function fromPs(): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'pid=,command=']);
  return stdout.split('\n').filter((line) => !line.includes(' ps -A '));
}

async function directoriesWith(prefix: string): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith(prefix));
}

async function commandLine(pid: string): Promise<string> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return ''; // it has ended
    throw error;
  }
}
