import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Pool } from 'pg';
import { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.ts';
import { readMigrations } from '../src/database/migrations/migrations.ts';
import { createSchemaEngine } from '../src/database/migrations/schema-engine.ts';

const SCHEMA = new URL('../prisma/schema.prisma', import.meta.url);

/**
 * The SQL that leads from what the migrations build to what `schema.prisma` says; empty when they
 * agree. The migrations are really applied, on an embedded server that lives as long as this call.
 */
export async function schemaDifference(): Promise<string> {
  const schema = await readFile(SCHEMA, 'utf8');
  const migrations = await readMigrations();
  return withThrowawayServer(async (url) => {
    const pool = new Pool({ connectionString: url, max: 1 });
    const engine = await createSchemaEngine(pool, url);
    try {
      return await engine.difference(migrations, schema);
    } finally {
      engine.close();
      await pool.end();
    }
  });
}

async function withThrowawayServer<T>(use: (url: string) => Promise<T>): Promise<T> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'aibridge-db-'));
  await chmod(dataDir, 0o711);
  const server = EmbeddedPostgres.open({ dataDir, durable: false, log: () => undefined });
  try {
    return await use(await server.start());
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true });
  }
}
