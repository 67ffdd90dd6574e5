import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  DirectoryInUseError,
  lockDirectory,
  type DirectoryLock,
} from '../../core/directory-lock.ts';
import { DatabaseError, reasonOf } from '../connection/database-error.ts';
import {
  clusterDirectory,
  passwordOf,
  prepareCluster,
  SUPERUSER,
  type Cluster,
} from './postgres-cluster.ts';
import { PostgresServer } from './postgres-server.ts';
import { clearCluster, findPostmaster } from './postmaster.ts';
import { isRoot } from './server-user.ts';

export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly log: (line: string) => void;
  /** Default true. False makes tests quicker, and loses data with the machine. */
  readonly durable?: boolean;
  /** Where to listen; default: where the system says it is free. */
  readonly choosePort?: () => Promise<number>;
}

const START_TRIES = 10;
const START_RETRY_MS = 100;

/**
 * Failures to start that pass: a port that was free and is taken by now, the last sessions of a
 * server that was killed, which end a moment after it, and a server whose bridge was killed while it
 * started, of which there is only now a sign.
 */
const PASSING =
  /Address already in use|shared memory block .* is still in use|lock file .* already exists/;

/**
 * A PostgreSQL of the bridge's own, in its data directory.
 *
 * It listens on a free TCP port of the loopback address with a random password. A Unix socket would
 * need no port, but its path may not be longer than 107 bytes, and the folder would have to be open
 * both to the bridge and to the user that the server runs as.
 */
export class EmbeddedPostgres {
  readonly #home: string;
  readonly #options: EmbeddedOptions;
  readonly #lock: DirectoryLock;
  #server: PostgresServer | undefined;
  /** Kept for as long as this object lives, so that a restarted server has the same address. */
  #port: number | undefined;
  #starting: Promise<void> | undefined;
  #isStopped = false;

  private constructor(home: string, options: EmbeddedOptions) {
    this.#home = home;
    this.#options = options;
    this.#lock = lockDirectory(home);
  }

  /** Takes the data directory for this process; throws when another bridge has it. */
  static open(options: EmbeddedOptions): EmbeddedPostgres {
    const home = homeOf(options.dataDir);
    try {
      // As root: to be passed through, though not read, by the user that the server runs as.
      mkdirSync(home, { recursive: true, mode: isRoot() ? 0o711 : 0o700 });
      return new EmbeddedPostgres(home, options);
    } catch (error) {
      if (error instanceof DirectoryInUseError) throw error;
      throw failure(`the data directory ${home} cannot be used`, error);
    }
  }

  /** Sees to it that a server runs, in whatever way the last one ended; returns its database's URL. */
  async start(): Promise<string> {
    try {
      if (!this.isRunning) await (this.#starting = this.#startServer());
      return urlOf(await passwordOf(this.#home), this.#port ?? 0);
    } catch (error) {
      if (error instanceof DatabaseError) throw error;
      throw failure('the embedded PostgreSQL cannot be started', error);
    }
  }

  get isRunning(): boolean {
    return this.#port !== undefined && this.#server?.isRunning === true;
  }

  /** Also in the middle of a start, which then fails. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#server?.stop();
    await Promise.allSettled([this.#starting]);
    this.#lock.release();
  }

  async #startServer(): Promise<void> {
    const { choosePort = freePort, log } = this.#options;
    const cluster = await prepareCluster(this.#home, log);
    for (let attempt = 1; ; attempt++) {
      try {
        await clearCluster(cluster.directory, log);
        return await this.#launch(cluster, this.#port ?? (await choosePort()));
      } catch (error) {
        if (attempt === START_TRIES || !PASSING.test(reasonOf(error))) throw error;
        await delay(START_RETRY_MS);
      }
    }
  }

  async #launch(cluster: Cluster, port: number): Promise<void> {
    if (this.#isStopped) throw new DatabaseError('embedded', 'the embedded PostgreSQL was stopped');
    const { durable = true, log } = this.#options;
    this.#server = new PostgresServer(cluster, { port, durable, log });
    await this.#server.ready;
    this.#port = port;
  }
}

/** The URL of the embedded database while some bridge, not necessarily this process, runs it. */
export async function runningEmbeddedUrl(dataDir: string): Promise<string | undefined> {
  const home = homeOf(dataDir);
  const server = await findPostmaster(await clusterDirectory(home));
  return server && urlOf(await passwordOf(home), server.port);
}

function failure(what: string, cause: unknown): DatabaseError {
  return new DatabaseError('embedded', `${what}: ${reasonOf(cause)}`, { cause });
}

function homeOf(dataDir: string): string {
  return path.resolve(dataDir, 'postgres');
}

function urlOf(password: string, port: number): string {
  return `postgresql://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP port is free');
  return address.port;
}
