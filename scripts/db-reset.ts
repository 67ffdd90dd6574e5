import process from 'node:process';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.ts';
import { reasonOf } from '../src/database/connection/database-error.ts';
import { migrate } from '../src/database/migrations/migrations.ts';
import { databaseTarget } from './db-target.ts';

/** `npm run db:reset`: throws all data away and builds the schema anew. Stop the bridge first. */
const { values } = parseArgs({ options: { yes: { type: 'boolean', default: false } } });
const target = databaseTarget();

try {
  if (target.url === undefined) await resetEmbedded(target.dataDir);
  else if (values.yes) await reset(target.url);
  else
    throw new Error('DATABASE_URL is set: all its data would be lost. Say --yes if so it shall be');
  process.stdout.write('the database is empty and migrated\n');
} catch (error) {
  process.stderr.write(`${reasonOf(error)}\n`);
  process.exitCode = 1;
}

async function resetEmbedded(dataDir: string): Promise<void> {
  const server = EmbeddedPostgres.open({ dataDir, log: () => undefined });
  try {
    await reset(await server.start());
  } finally {
    await server.stop();
  }
}

async function reset(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public');
  } finally {
    await client.end();
  }
  await migrate(url);
}
