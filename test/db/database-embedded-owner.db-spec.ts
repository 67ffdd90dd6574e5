import { once } from 'node:events';
import {
  access,
  chmod,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { EmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.ts';
import { clusterDirectory } from '../../src/database/embedded/postgres-cluster.ts';
import { isRoot, postgresUser } from '../../src/database/embedded/server-user.ts';
import { removeAbandoned } from '../../src/database/embedded/system-directory.ts';
import { guardianPid, otherBridge, query } from '../support/embedded-bridge.ts';
import { temporaryDataDir } from '../support/postgres.ts';

let dataDir: string;
let home: string;

beforeEach(async () => {
  dataDir = await temporaryDataDir();
  home = path.join(dataDir, 'postgres');
  onTestFinished(() => rm(dataDir, { recursive: true }));
});

function open(): EmbeddedPostgres {
  const server = EmbeddedPostgres.open({ dataDir, durable: false, log: ignore });
  onTestFinished(() => server.stop());
  return server;
}

function ignore(): void {}

/** What a process has open, standard input, output and errors first. */
async function filesOf(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const numbers = (await readdir(folder)).toSorted((one, other) => Number(one) - Number(other));
  const files = await Promise.allSettled(numbers.map((fd) => readlink(path.join(folder, fd))));
  return files.flatMap((file) => (file.status === 'fulfilled' ? [file.value] : []));
}

// Who is whose parent is read where Linux shows it.
describe.runIf(process.platform === 'linux')('the guardian of the embedded server', () => {
  it('takes over from a server that outlived its bridge and its guardian', async () => {
    const { bridge, url } = await otherBridge(dataDir);
    await query(url, 'CREATE TABLE kept AS SELECT 1 AS one');
    process.kill(await guardianPid(dataDir), 'SIGKILL');
    bridge.kill('SIGKILL');
    await once(bridge, 'exit');

    const next = await open().start();
    await expect(query(next, 'SELECT one FROM kept')).resolves.toEqual([{ one: 1 }]);
  });

  it('does not run on unguarded: it comes back with a new guardian', async () => {
    const server = open();
    const url = await server.start();
    const old = await guardianPid(dataDir);
    process.kill(old, 'SIGKILL');
    await expect.poll(() => server.isRunning).toBe(false);
    await expect(server.start()).resolves.toBe(url);
    expect(await guardianPid(dataDir)).not.toBe(old);
  });

  // As a service manager does it that ends everything in its group.
  it('stays while its bridge does, whoever asks its guardian to end', async () => {
    const server = open();
    const url = await server.start();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.kill(await guardianPid(dataDir), signal);
    }
    await expect(query(url, 'SELECT 1 AS one')).resolves.toEqual([{ one: 1 }]);
    expect(server.isRunning).toBe(true);
  });

  it('takes nothing of its bridge along but a pipe, and runs in a session of its own', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    onTestFinished(() => void listener.close());
    await open().start();
    const guardian = await guardianPid(dataDir);
    const status = await readFile(`/proc/${guardian}/stat`, 'utf8');
    const [, , group, session] = status.slice(status.lastIndexOf(')') + 2).split(' ');
    expect([group, session]).toEqual([String(guardian), String(guardian)]);

    const [mine, its] = await Promise.all([filesOf(process.pid), filesOf(guardian)]);
    const stdio = mine.slice(0, 3).filter((file) => file !== '/dev/null');
    const own = new Set([...stdio, ...mine.filter((file) => /^socket:|\/lock$/.test(file))]);
    expect(its.filter((file) => own.has(file))).toEqual([]);
  });

  it.runIf(isRoot())(
    'has its guardian run as that user too, who may signal nobody else',
    async () => {
      await open().start();
      const { uid } = await postgresUser();
      const status = await readFile(`/proc/${await guardianPid(dataDir)}/status`, 'utf8');
      expect(/^Uid:\s*(.*)$/m.exec(status)?.[1]).toBe(Array(4).fill(uid).join('\t'));
    },
  );
});

describe.runIf(isRoot())('a cluster outside its data directory', () => {
  it('runs as another user, also when that one cannot enter the data directory', async () => {
    const cluster = await distantCluster();
    const server = open();
    await query(await server.start(), 'CREATE TABLE kept AS SELECT 1 AS one');
    await server.stop();

    await expect(query(await open().start(), 'SELECT one FROM kept')).resolves.toEqual([
      { one: 1 },
    ]);
    await expect(clusterDirectory(home)).resolves.toBe(cluster);
  });

  it('keeps a distant cluster until its data directory is gone, and then no longer', async () => {
    const cluster = await distantCluster();
    await removeAbandoned(ignore);
    await expect(access(cluster)).resolves.toBeUndefined();

    await rm(home, { recursive: true });
    await removeAbandoned(ignore);
    await expect(access(cluster)).rejects.toThrow('ENOENT');
    await expect(access(`${cluster}.owner`)).rejects.toThrow('ENOENT');
  });

  it('removes the distant cluster of a data directory that was made anew', async () => {
    const cluster = await distantCluster();
    await rm(home, { recursive: true });
    const successor = await distantCluster();
    expect(successor).not.toBe(cluster);
    await expect(access(cluster)).rejects.toThrow('ENOENT');
    await expect(access(successor)).resolves.toBeUndefined();
  });

  it('keeps the distant cluster of a data directory that was moved', async () => {
    const cluster = await distantCluster();
    await rename(home, path.join(dataDir, 'elsewhere'));
    await removeAbandoned(ignore);
    await expect(access(cluster)).resolves.toBeUndefined();
  });

  it('keeps a distant cluster whose data directory is on a disk that is not there', async () => {
    const cluster = await distantCluster();
    await rm(home, { recursive: true });
    await writeFile(`${cluster}.owner`, JSON.stringify({ home, device: -1 }));
    await removeAbandoned(ignore);
    await expect(access(cluster)).resolves.toBeUndefined();
  });

  it('keeps a distant cluster on which a server runs', async () => {
    await chmod(dataDir, 0o700);
    const server = open();
    const url = await server.start();
    const cluster = await clusterDirectory(home);
    onTestFinished(() => removeDistant(cluster));
    await rm(home, { recursive: true });
    await removeAbandoned(ignore);
    await expect(query(url, 'SELECT 1 AS one')).resolves.toEqual([{ one: 1 }]);
  });
});

/** One that was started and stopped, of a data directory that the server's user cannot enter. */
async function distantCluster(): Promise<string> {
  await chmod(dataDir, 0o700);
  const server = open();
  await server.start();
  await server.stop();
  const cluster = await clusterDirectory(home);
  expect(cluster).toMatch(/^\/var\/lib\/aibridge\/cluster-/);
  onTestFinished(() => removeDistant(cluster));
  return cluster;
}

async function removeDistant(cluster: string): Promise<void> {
  await rm(cluster, { recursive: true, force: true });
  await rm(`${cluster}.owner`, { force: true });
}
