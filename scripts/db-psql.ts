import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process, { env } from 'node:process';
import { reasonOf } from '../src/database/connection/database-error.ts';
import {
  EmbeddedPostgres,
  runningEmbeddedUrl,
} from '../src/database/embedded/embedded-postgres.ts';
import { hasCode } from '../src/core/error-code.ts';
import { databaseTarget } from './db-target.ts';

/** `npm run db:psql [-- <psql arguments>]`: a prompt on the database, with the bridge running or not. */
const target = databaseTarget();

try {
  const url = target.url ?? (await runningEmbeddedUrl(target.dataDir));
  process.exitCode = url === undefined ? await onStoppedServer(target.dataDir) : await psql(url);
} catch (error) {
  process.stderr.write(`${reasonOf(error)}\n`);
  process.exitCode = 1;
}

async function onStoppedServer(dataDir: string): Promise<number> {
  const server = EmbeddedPostgres.open({ dataDir, log: () => undefined });
  try {
    return await psql(await server.start());
  } finally {
    await server.stop();
  }
}

/** The password goes through the environment: arguments are there for every user to see. */
async function psql(url: string): Promise<number> {
  const address = new URL(url);
  const password = decodeURIComponent(address.password);
  address.password = '';
  const child = spawn('psql', [...process.argv.slice(2), address.href], {
    stdio: 'inherit',
    env: password === '' ? env : { ...env, PGPASSWORD: password },
  });
  try {
    await once(child, 'close');
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    throw new Error(`psql is not on the PATH: install PostgreSQL's client for ${address.href}`, {
      cause: error,
    });
  }
  return child.exitCode ?? 1;
}
