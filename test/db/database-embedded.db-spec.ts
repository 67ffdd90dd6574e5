import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { DirectoryInUseError } from '../../src/core/directory-lock.ts';
import {
  EmbeddedPostgres,
  runningEmbeddedUrl,
} from '../../src/database/embedded/embedded-postgres.ts';
import {
  findPostgresPackage,
  preparePostgresBinaries,
} from '../../src/database/embedded/postgres-binaries.ts';
import { isRoot, postgresUser } from '../../src/database/embedded/server-user.ts';
import { otherBridge, query, serverPid } from '../support/embedded-bridge.ts';
import { temporaryDataDir } from '../support/postgres.ts';

let dataDir: string;
let home: string;

beforeEach(async () => {
  dataDir = await temporaryDataDir();
  home = path.join(dataDir, 'postgres');
  onTestFinished(() => rm(dataDir, { recursive: true }));
});

function open(choosePort?: () => Promise<number>): EmbeddedPostgres {
  const server = EmbeddedPostgres.open({
    dataDir,
    durable: false,
    log: () => undefined,
    ...(choosePort && { choosePort }),
  });
  onTestFinished(() => server.stop());
  return server;
}

describe('the embedded server', () => {
  it('keeps its data and its password from one start to the next', async () => {
    const first = open();
    await query(await first.start(), 'CREATE TABLE kept AS SELECT 1 AS one');
    await first.stop();

    const url = await open().start();
    await expect(query(url, 'SELECT one FROM kept')).resolves.toEqual([{ one: 1 }]);
    await expect(query(url.replace(/:[^:@]+@/, ':guess@'), 'SELECT 1')).rejects.toThrow('password');
  });

  it('takes over at once from a bridge that was killed, and loses nothing', async () => {
    const { bridge, url } = await otherBridge(dataDir);
    await query(url, 'CREATE TABLE kept AS SELECT 1 AS one');
    bridge.kill('SIGKILL');
    await once(bridge, 'exit');

    const next = await open().start();
    await expect(query(next, 'SELECT one FROM kept')).resolves.toEqual([{ one: 1 }]);
    await expect(query(url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
  });

  it('recovers when the server was killed together with its bridge', async () => {
    const { bridge, url } = await otherBridge(dataDir);
    await query(url, 'CREATE TABLE kept AS SELECT 1 AS one');
    const server = await serverPid(dataDir);
    process.kill(server, 'SIGKILL');
    bridge.kill('SIGKILL');
    await once(bridge, 'exit');

    await expect(query(await open().start(), 'SELECT one FROM kept')).resolves.toEqual([
      { one: 1 },
    ]);
  });

  // In a container the pids of the last life are soon those of others.
  it('starts although a stale pid file names a process that lives', async () => {
    const first = open();
    await first.start();
    await first.stop();
    await writeFile(
      path.join(home, 'cluster', 'postmaster.pid'),
      `${process.pid}\n${path.join(home, 'cluster')}\n1\n5432\n\n127.0.0.1\n\nready\n`,
    );
    await expect(open().start()).resolves.toContain('127.0.0.1');
  });

  it('begins anew after a first start that was killed midway', async () => {
    await mkdir(path.join(home, 'cluster.new-killed', 'base'), { recursive: true });
    await writeFile(path.join(home, 'password'), 'of the cluster that never was\n');
    await expect(query(await open().start(), 'SELECT 1 AS one')).resolves.toEqual([{ one: 1 }]);
    const names = await readdir(home);
    expect(names.filter((name) => name.startsWith('cluster'))).toEqual(['cluster']);
  });

  it('comes back under the same address when it dies', async () => {
    const server = open();
    const url = await server.start();
    await expect(server.start()).resolves.toBe(url);

    process.kill(await serverPid(dataDir), 'SIGKILL');
    await expect.poll(() => server.isRunning).toBe(false);
    await expect(server.start()).resolves.toBe(url);
    await expect(query(url, 'SELECT 1 AS one')).resolves.toEqual([{ one: 1 }]);
  });

  it('takes another port when the one it was to have is taken', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    onTestFinished(() => void occupant.close());
    const address = occupant.address();
    const taken = typeof address === 'object' && address !== null ? address.port : 0;
    const ports = [taken, taken];
    const url = await open(async () => ports.shift() ?? (await freePort())).start();
    expect(new URL(url).port).not.toBe(String(taken));
    await expect(query(url, 'SELECT 1 AS one')).resolves.toEqual([{ one: 1 }]);
  });

  it('refuses a data directory that another bridge uses', async () => {
    const { bridge } = await otherBridge(dataDir);
    expect(() => open()).toThrow(new DirectoryInUseError(home, bridge.pid));
    bridge.kill('SIGTERM');
    await once(bridge, 'exit');
    await open().start();
  });

  it('says what is wrong with a data directory that is none', async () => {
    await writeFile(home, '');
    expect(() => open()).toThrow(`the data directory ${home} cannot be used: EEXIST`);
  });

  it.each([
    ['of another major version', 'cluster/PG_VERSION', '11\n', 'is of PostgreSQL 11'],
    ['without its password', 'password', undefined, 'password is missing'],
  ])('says what is wrong with a cluster %s', async (_, file, content, message) => {
    const first = open();
    await first.start();
    await first.stop();
    if (content === undefined) await rm(path.join(home, file));
    else await writeFile(path.join(home, file), content);
    await expect(open().start()).rejects.toThrow(message);
  });

  it('goes down with a bridge that exits without stopping it', async () => {
    const { bridge } = await otherBridge(dataDir);
    bridge.kill('SIGTERM');
    await once(bridge, 'exit');
    await expect.poll(() => runningEmbeddedUrl(dataDir)).toBeUndefined();
  });
});

describe.runIf(isRoot())('the embedded server under root', () => {
  // A clone below /root, installed without install scripts.
  it('runs a copy of its programs when the other user cannot get at them', async () => {
    const installed = await findPostgresPackage();
    const closed = path.join(dataDir, 'closed');
    await mkdir(closed, { mode: 0o700 });
    await copyWithoutLinks(installed.root, path.join(closed, 'package'));

    const cache = path.join(dataDir, 'cache');
    const user = await postgresUser();
    const found = { root: path.join(closed, 'package'), version: installed.version };
    const { postgres } = await preparePostgresBinaries(user, cache, found);
    expect(postgres.startsWith(cache)).toBe(true);
    const { stdout } = await promisify(execFile)(postgres, ['--version'], { ...user, cwd: '/' });
    expect(stdout).toContain('PostgreSQL');
    await expect(preparePostgresBinaries(user, cache, found)).resolves.toMatchObject({ postgres });
  });
});

describe('the programs of the embedded server', () => {
  it('run where they lie although npm ran no install script', async () => {
    const installed = await findPostgresPackage();
    const root = path.join(dataDir, 'package');
    await copyWithoutLinks(installed.root, root);
    const { initdb } = await preparePostgresBinaries(undefined, path.join(dataDir, 'cache'), {
      root,
      version: installed.version,
    });
    expect(initdb.startsWith(root)).toBe(true);
    const { stdout } = await promisify(execFile)(initdb, ['--version']);
    expect(stdout).toContain('PostgreSQL');
  });
});

async function copyWithoutLinks(from: string, to: string): Promise<void> {
  const entries = await readdir(path.join(from, 'native'), {
    withFileTypes: true,
    recursive: true,
  });
  const links = new Set(
    entries
      .filter((entry) => entry.isSymbolicLink())
      .map((entry) => path.join(entry.parentPath, entry.name)),
  );
  await cp(from, to, { recursive: true, filter: (file) => !links.has(file) });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
