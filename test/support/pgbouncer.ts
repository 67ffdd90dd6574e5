import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { isRoot, postgresUser } from '../../src/database/embedded/server-user.ts';
import { freePort } from './free-port.ts';
import { temporaryDataDir } from './postgres.ts';
import { until } from './until.ts';

const PROGRAM = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find((each) => existsSync(each));

/** Why there is no pooler on this machine; undefined where there is one. */
export const NO_PGBOUNCER = PROGRAM === undefined ? 'pgbouncer is not installed' : undefined;

export interface Pooler {
  /** The database, by way of the pooler. */
  readonly url: string;
  stop(): Promise<void>;
}

/** PgBouncer in transaction mode before a database, with fewer connections than ask for one. */
export async function startPooler(databaseUrl: string, poolSize: number): Promise<Pooler> {
  const directory = await temporaryDataDir();
  const target = new URL(databaseUrl);
  const port = await freePort();
  const configuration = path.join(directory, 'pgbouncer.ini');
  await writeFile(configuration, configurationFor(target, port, poolSize));
  const user = isRoot() ? await postgresUser() : undefined;
  if (user !== undefined) await chown(configuration, user.uid, user.gid);
  const child = spawn(PROGRAM ?? '', [configuration], { stdio: 'ignore', ...user });
  await until('the pooler listens', () => answers(child, port));
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${port}`;
  return {
    url: url.href,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}

function configurationFor(target: URL, port: number, poolSize: number): string {
  const name = target.pathname.slice(1);
  const server = [
    `host=${target.hostname}`,
    `port=${target.port || '5432'}`,
    `dbname=${name}`,
    `user=${target.username}`,
    ...(target.password === '' ? [] : [`password=${target.password}`]),
  ];
  return `[databases]
${name} = ${server.join(' ')}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${poolSize}
`;
}

async function answers(child: ChildProcess, port: number): Promise<true | undefined> {
  if (child.exitCode !== null) throw new Error(`the pooler ended with ${child.exitCode}`);
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}
