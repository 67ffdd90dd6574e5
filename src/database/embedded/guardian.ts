import { spawn } from 'node:child_process';

/**
 * Runs a program for as long as the process lives that holds the other end of the standard input:
 * `node guardian.js <uid>:<gid> <program> <argument>...`, or `-` for the user it is already.
 *
 * The kernel closes that end however its holder died. The program is then asked to stop cleanly, and
 * told to when it does not. The guardian itself ends when the program has: it is its parent, so the
 * pid it signals is never anybody else's.
 */
const CLEAN_STOP_MS = 10_000;

const [user = '-', program = '', ...args] = process.argv.slice(2);

// Who stops a service, or a whole machine, signals every process of it at once. The bridge needs its
// database until it has stopped, and says so by closing the pipe.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);

// As the program's user it may signal the program, and nobody else's.
const [uid, gid] = user.split(':').map(Number);
if (uid !== undefined && gid !== undefined) {
  process.setgroups?.([gid]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}

const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], windowsHide: true });
child.once('error', (error) => {
  process.stderr.write(`${error.message}\n`, () => process.exit(1));
});
child.once('exit', (code) => process.exit(code ?? 1));

let isStopping = false;
process.stdin.once('end', stop).once('error', stop).resume();

function stop(): void {
  if (isStopping) return;
  isStopping = true;
  child.kill('SIGINT');
  setTimeout(() => child.kill('SIGQUIT'), CLEAN_STOP_MS);
}
