import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import { spawnGuarded, type GuardedProcess } from '../../src/database/embedded/guarded-process.ts';
import { isRoot, postgresUser } from '../../src/database/embedded/server-user.ts';
import { CuttableProxy } from './cuttable-proxy.ts';
import { freePort } from './free-port.ts';
import { temporaryDataDir } from './postgres.ts';
import { until } from './until.ts';

/** As Debian installs it; the newest there is. The one that the bridge brings along cannot stream. */
const VERSIONS = '/usr/lib/postgresql';
const BINARIES = (existsSync(VERSIONS) ? readdirSync(VERSIONS) : [])
  .toSorted((one, other) => Number(other) - Number(one))
  .map((version) => path.join(VERSIONS, version, 'bin'))
  .find((bin) =>
    ['postgres', 'initdb', 'pg_basebackup'].every((name) => existsSync(path.join(bin, name))),
  );

/** Why there is no standby on this machine; undefined where there can be one. */
export const NO_STANDBY =
  BINARIES === undefined ? `no PostgreSQL with pg_basebackup is in ${VERSIONS}` : undefined;

const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'wal_level=replica',
  'max_wal_senders=4',
  'hot_standby=on',
  'wal_receiver_status_interval=100ms',
  'wal_retrieve_retry_interval=200ms',
  'fsync=off',
];
const BACKUP = '--checkpoint=fast --no-sync --write-recovery-conf --wal-method=stream'.split(' ');

/** A server of the test's own, from the binaries of the machine. */
export class SystemPostgres {
  readonly url: string;
  readonly #directory: string;
  readonly #process: GuardedProcess;
  #said = '';

  private constructor(directory: string, port: number, server: GuardedProcess) {
    this.#directory = directory;
    this.#process = server;
    this.url = urlOf(port);
    server.stderr.on('data', (bytes) => (this.#said += String(bytes)));
  }

  static async primary(): Promise<SystemPostgres> {
    const directory = await emptyDirectory();
    await run('initdb', [
      '-D',
      directory,
      '-U',
      'postgres',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--locale=C',
      '-N',
    ]);
    return SystemPostgres.#start(directory);
  }

  /** Streams from the server at `url`, and answers what is read while it does. */
  static async standbyOf(url: string): Promise<SystemPostgres> {
    const directory = await emptyDirectory();
    await run('pg_basebackup', ['-D', directory, '-d', url, ...BACKUP]);
    return SystemPostgres.#start(directory);
  }

  static async #start(directory: string): Promise<SystemPostgres> {
    const port = await freePort();
    const settings = [...SETTINGS, `port=${port}`].flatMap((setting) => ['-c', setting]);
    const server = spawnGuarded(binary('postgres'), ['-D', directory, ...settings], await owner());
    const started = new SystemPostgres(directory, port, server);
    await until('the server takes connections', () => started.#answers(), 30_000);
    return started;
  }

  async query(sql: string): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.url });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** Without a word to anybody. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    const text = await readFile(path.join(this.#directory, 'postmaster.pid'), 'utf8');
    process.kill(Number.parseInt(text, 10), 'SIGQUIT');
    await ended;
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(path.dirname(this.#directory), { recursive: true, force: true });
  }

  async #answers(): Promise<true | undefined> {
    if (this.#process.exitCode !== null) throw new Error(this.#said);
    try {
      await this.query('SELECT 1');
      return true;
    } catch {
      return undefined;
    }
  }
}

/** A primary, a standby that streams from it, and the way between them, which can be cut. */
export interface StreamingPair {
  readonly primary: SystemPostgres;
  readonly standby: SystemPostgres;
  readonly way: CuttableProxy;
  remove(): Promise<void>;
}

export async function streamingPair(): Promise<StreamingPair> {
  const primary = await SystemPostgres.primary();
  const way = await CuttableProxy.start(primary.url);
  const standby = await SystemPostgres.standbyOf(way.url);
  return {
    primary,
    standby,
    way,
    async remove() {
      await way.cut();
      await Promise.all([primary.remove(), standby.remove()]);
    },
  };
}

function binary(name: string): string {
  return path.join(BINARIES ?? '', name);
}

function urlOf(port: number): string {
  return `postgresql://postgres@127.0.0.1:${port}/postgres`;
}

async function owner() {
  return isRoot() ? postgresUser() : undefined;
}

/** In a directory that others can look into, one of the server's own. */
async function emptyDirectory(): Promise<string> {
  const directory = path.join(await temporaryDataDir(), 'cluster');
  await mkdir(directory, { mode: 0o700 });
  const user = await owner();
  if (user !== undefined) await chown(directory, user.uid, user.gid);
  return directory;
}

async function run(name: string, args: readonly string[]): Promise<void> {
  const child = spawnGuarded(binary(name), args, await owner());
  let said = '';
  child.stderr.on('data', (bytes) => (said += String(bytes)));
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${name}: ${said}`);
}
