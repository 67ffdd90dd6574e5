import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { DatabaseError, reasonOf } from '../connection/database-error.ts';
import { spawnGuarded, type GuardedProcess } from './guarded-process.ts';
import type { Cluster } from './postgres-cluster.ts';
import { stopPostmaster } from './postmaster.ts';

export interface ServerOptions {
  readonly port: number;
  /** False only where nothing is worth keeping: tests. */
  readonly durable: boolean;
  readonly log: (line: string) => void;
}

const READY = 'database system is ready to accept connections';
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

/**
 * A running server. It listens on loopback alone, lets nobody in without the password, and ends
 * with this process.
 */
export class PostgresServer {
  readonly #guardian: GuardedProcess;
  /** Resolves when it takes connections, which after a crash is when it has recovered. */
  readonly ready: Promise<void>;
  /** Settles when the server has ended, for whatever reason. */
  readonly ended: Promise<void>;
  #isRunning = true;

  constructor(cluster: Cluster, options: ServerOptions) {
    const { binaries, directory, user } = cluster;
    this.#guardian = spawnGuarded(binaries.postgres, argumentsFor(cluster, options), user);
    this.ready = untilReady(this.#guardian, options.log);
    this.ended = this.#end(directory, options.log);
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Ends the sessions and writes everything out. A server that hangs recovers at its next start. */
  async stop(): Promise<void> {
    this.#guardian.stdin.destroy();
    await this.ended;
  }

  /** Of guardian and server: only a guardian that was killed is the first of the two. */
  async #end(cluster: string, log: (line: string) => void): Promise<void> {
    const closed = once(this.#guardian, 'close');
    try {
      await once(this.#guardian, 'exit');
      await stopPostmaster(cluster);
      await closed;
    } catch (error) {
      log(`WARNING:  ${reasonOf(error)}`);
    }
    this.#isRunning = false;
  }
}

function argumentsFor(cluster: Cluster, { port, durable }: ServerOptions): string[] {
  const settings = [...SETTINGS, ...(durable ? [] : NOT_DURABLE), `port=${port}`];
  return ['-D', cluster.directory, ...settings.flatMap((setting) => ['-c', setting])];
}

function untilReady(guardian: GuardedProcess, log: (line: string) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const tail: string[] = [];
  createInterface({ input: guardian.stderr }).on('line', (line) => {
    log(line);
    tail.push(line);
    if (tail.length > TAIL_LENGTH) tail.shift();
    if (line.includes(READY)) resolve();
  });
  guardian.once('error', reject);
  guardian.once('close', () => reject(startError(tail)));
  return promise;
}

/** Without the lines that only say how the start went on. */
function startError(lines: readonly string[]): DatabaseError {
  const telling = lines.filter((line) => !line.startsWith('LOG:') || line.includes('could not'));
  const reason = telling.join(' ').replaceAll(/\s+/g, ' ');
  return new DatabaseError('embedded', `the embedded PostgreSQL ended while starting: ${reason}`);
}
