import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { kill } from 'node:process';
import { EmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.ts';
import { clusterDirectory } from '../../src/database/embedded/postgres-cluster.ts';
import { findPostmaster } from '../../src/database/embedded/postmaster.ts';
import { temporaryDataDir } from './postgres.ts';

/** A server of the test's own, to be mistreated: it comes back under the address it had. */
export class OwnPostgres {
  readonly url: string;
  readonly #dataDir: string;
  #server: EmbeddedPostgres;
  #frozen: number[] = [];

  private constructor(dataDir: string, server: EmbeddedPostgres, url: string) {
    this.#dataDir = dataDir;
    this.#server = server;
    this.url = url;
  }

  static async start(): Promise<OwnPostgres> {
    const dataDir = await temporaryDataDir();
    const server = open(dataDir);
    return new OwnPostgres(dataDir, server, await server.start());
  }

  /** As an operator stops it. */
  async stop(): Promise<void> {
    await this.#server.stop();
  }

  async startAgain(): Promise<void> {
    this.#server = open(this.#dataDir, Number(new URL(this.url).port));
    await this.#server.start();
  }

  /** Every process of it stands still: connections stay open, and nobody answers. */
  async freeze(): Promise<void> {
    const server = await findPostmaster(
      await clusterDirectory(path.join(this.#dataDir, 'postgres')),
    );
    if (server === undefined) throw new Error('there is no server to be frozen');
    // First the one that would start new ones.
    kill(server.pid, 'SIGSTOP');
    this.#frozen = [server.pid, ...(await childrenOf(server.pid))];
    for (const pid of this.#frozen) kill(pid, 'SIGSTOP');
  }

  thaw(): void {
    for (const pid of this.#frozen.toReversed()) kill(pid, 'SIGCONT');
    this.#frozen = [];
  }

  async remove(): Promise<void> {
    this.thaw();
    await this.stop();
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}

function open(dataDir: string, port?: number): EmbeddedPostgres {
  return EmbeddedPostgres.open({
    dataDir,
    durable: false,
    log: () => undefined,
    ...(port !== undefined && { choosePort: () => Promise.resolve(port) }),
  });
}

async function childrenOf(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.split(' ').filter(Boolean).map(Number);
}
