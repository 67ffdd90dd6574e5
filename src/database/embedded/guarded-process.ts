import { spawn, type ChildProcessByStdio } from 'node:child_process';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ServerUser } from './server-user.ts';

/** Closing its standard input stops the program cleanly, and so does the end of this process. */
export type GuardedProcess = ChildProcessByStdio<Writable, null, Readable>;

const GUARDIAN = fileURLToPath(
  new URL(`./guardian${path.extname(import.meta.url)}`, import.meta.url),
);

/**
 * Runs a program as `user` that does not outlive this process, whatever ends it. Its guardian has
 * nothing of this process but the pipe: not its environment, in which `NODE_OPTIONS` may stand, not
 * its terminal and process group, whose Ctrl-C is for the bridge alone.
 */
export function spawnGuarded(
  program: string,
  args: readonly string[],
  user: ServerUser | undefined,
): GuardedProcess {
  const userText = user === undefined ? '-' : `${user.uid}:${user.gid}`;
  return spawn(process.execPath, [GUARDIAN, userText, program, ...args], {
    cwd: '/',
    env: { LC_ALL: 'C' },
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
    windowsHide: true,
  });
}
