import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import { clusterDirectory } from '../../src/database/embedded/postgres-cluster.ts';

const BRIDGE = `
  const { EmbeddedPostgres } = await import(process.argv[1]);
  const server = EmbeddedPostgres.open({ dataDir: process.argv[2], log: () => {} });
  process.once('SIGTERM', () => process.exit());
  console.log(await server.start());
  setInterval(() => {}, 60_000);
`;

/** A bridge in a process of its own, and the address of its server. */
export async function otherBridge(
  dataDir: string,
): Promise<{ readonly bridge: ChildProcess; readonly url: string }> {
  const module = path.resolve('src/database/embedded/embedded-postgres.ts');
  const bridge = spawn(process.execPath, ['--input-type=module', '-e', BRIDGE, module, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(bridge.stdout, 'data');
  return { bridge, url: String(line).trim() };
}

/** The process that an embedded server calls its own. */
export async function serverPid(dataDir: string): Promise<number> {
  const cluster = await clusterDirectory(path.join(dataDir, 'postgres'));
  return Number.parseInt(await readFile(path.join(cluster, 'postmaster.pid'), 'utf8'), 10);
}

/** The one that keeps the server from outliving its bridge. */
export async function guardianPid(dataDir: string): Promise<number> {
  const status = await readFile(`/proc/${await serverPid(dataDir)}/status`, 'utf8');
  return Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]);
}

export async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
