import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseError } from '../connection/database-error.ts';
import type { Cluster } from './postgres-cluster.ts';

export interface ServerOptions {
  readonly port: number;
  /** False only where nothing is worth keeping: tests. */
  readonly durable: boolean;
  readonly log: (line: string) => void;
}

const READY = 'database system is ready to accept connections';
const FAST_STOP_MS = 30_000;
const TAIL_LENGTH = 10;

const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=200',
  // No replica reads this server's log, so the log need not serve one.
  'wal_level=minimal',
  'max_wal_senders=0',
  // What is asked is short: compiling it would take longer than answering it.
  'jit=off',
  'work_mem=16MB',
  'log_checkpoints=off',
  'log_line_prefix=',
  // Neither the values of a failing row nor its statement: they are what callers wrote.
  'log_error_verbosity=terse',
  'log_min_error_statement=panic',
  'lc_messages=C',
  'timezone=UTC',
  'log_timezone=UTC',
];
const NOT_DURABLE = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];

/** A running server. It listens on loopback alone and lets nobody in without the password. */
export class PostgresServer {
  readonly #child: ChildProcess;
  /** Resolves when it takes connections, which after a crash is when it has recovered. */
  readonly ready: Promise<void>;
  /** Settles when the server has ended, for whatever reason. */
  readonly ended: Promise<void>;
  readonly #stopOnExit = (): boolean => this.#child.kill('SIGINT');

  constructor(cluster: Cluster, options: ServerOptions) {
    this.#child = spawn(cluster.binaries.postgres, argumentsFor(cluster, options), {
      cwd: '/',
      env: {},
      stdio: ['ignore', 'ignore', 'pipe'],
      // A Ctrl-C in the terminal is for the bridge, which stops its database last.
      detached: true,
      ...cluster.user,
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    // A program that cannot be run at all has an error and no end.
    for (const event of ['close', 'error']) this.#child.once(event, resolve);
    process.once('exit', this.#stopOnExit);
    this.#child.once('close', () => process.off('exit', this.#stopOnExit));
    this.ready = untilReady(this.#child, options.log);
  }

  get isRunning(): boolean {
    const { pid, exitCode, signalCode } = this.#child;
    return pid !== undefined && exitCode === null && signalCode === null;
  }

  /** Ends the sessions and writes everything out. A server that hangs recovers at its next start. */
  async stop(): Promise<void> {
    this.#child.kill('SIGINT');
    const patience = new AbortController();
    const late = delay(FAST_STOP_MS, 'late', { signal: patience.signal }).catch(() => 'stopped');
    if ((await Promise.race([this.ended, late])) === 'late') this.#child.kill('SIGQUIT');
    await this.ended;
    patience.abort();
  }
}

function argumentsFor(cluster: Cluster, { port, durable }: ServerOptions): string[] {
  const settings = [...SETTINGS, ...(durable ? [] : NOT_DURABLE), `port=${port}`];
  return ['-D', cluster.directory, ...settings.flatMap((setting) => ['-c', setting])];
}

function untilReady(child: ChildProcess, log: (line: string) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const tail: string[] = [];
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      log(line);
      tail.push(line);
      if (tail.length > TAIL_LENGTH) tail.shift();
      if (line.includes(READY)) resolve();
    });
  }
  child.once('error', reject);
  child.once('close', () => reject(startError(tail)));
  return promise;
}

/** Without the lines that only say how the start went on. */
function startError(lines: readonly string[]): DatabaseError {
  const telling = lines.filter((line) => !line.startsWith('LOG:') || line.includes('could not'));
  const reason = telling.join(' ').replaceAll(/\s+/g, ' ');
  return new DatabaseError('embedded', `the embedded PostgreSQL ended while starting: ${reason}`);
}
