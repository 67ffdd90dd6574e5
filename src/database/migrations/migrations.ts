import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'pg';
import { DatabaseError, reasonOf } from '../connection/database-error.ts';
import { CONNECT_MS } from '../connection/limits.ts';
import { createSchemaEngine, type Migration } from './schema-engine.ts';

/** Equally far from `src/database` and from `dist/database`. */
const MIGRATIONS = new URL('../../../prisma/migrations/', import.meta.url);
const SERVER_VERSION_MIN = 140_000;
const LOCK_POLL_MS = 250;

/** The lock of Prisma's migration tools, so that these and a bridge keep out of each other's way. */
const PRISMA_LOCK = 72_707_369;

/** A migration may take long, but must not hold up everybody who queues behind the lock it wants. */
const SESSION = `SET statement_timeout TO 0; SET lock_timeout TO '30s'`;

/**
 * Under the lock nobody is at work, so an unfinished migration is one that failed, or whose bridge
 * died. A script is one transaction, nothing of it is left: it is tried again, and Prisma's record
 * of the failure stays as history.
 */
const FORGET_UNFINISHED = `UPDATE public._prisma_migrations SET rolled_back_at = now()
  WHERE finished_at IS NULL AND rolled_back_at IS NULL`;

interface HistoryRow {
  readonly name: string;
  readonly finished: boolean;
}

export interface MigrateOptions {
  readonly migrations?: readonly Migration[];
  /** Told of migrations that this program does not know, and may go on with all the same. */
  readonly ahead?: (names: readonly string[]) => void;
  readonly signal?: AbortSignal;
}

/**
 * Brings the database to the schema of this program; returns what was applied. Any number of
 * bridges may call this at once. An up-to-date database costs two queries and no lock.
 */
export async function migrate(url: string, options: MigrateOptions = {}): Promise<string[]> {
  const migrations = options.migrations ?? (await readMigrations());
  // One connection: the lock and everything done under it belong to the same session.
  const pool = new Pool({
    connectionString: url,
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: CONNECT_MS,
    application_name: 'aibridge migrations',
  });
  pool.on('error', ignoreLostConnection);
  try {
    await requireSupportedServer(pool);
    const history = await readHistory(pool);
    const unknown = unknownNames(migrations, history);
    if (unknown.length > 0) {
      await requireCompatible(pool, migrations, unknown);
      options.ahead?.(unknown);
    }
    if (pendingNames(migrations, history).length === 0) return [];
    return await migrateUnderLock(pool, migrations, options.signal);
  } finally {
    await pool.end();
  }
}

/** Every migration of this program, oldest first. */
export async function readMigrations(directory: URL = MIGRATIONS): Promise<Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return Promise.all(
    names.toSorted().map(async (name) => ({
      name,
      script: await readFile(new URL(`${name}/migration.sql`, directory), 'utf8'),
    })),
  );
}

async function requireSupportedServer(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ number: number; version: string; encoding: string }>(
    `SELECT current_setting('server_version_num')::int AS number,
            current_setting('server_version') AS version,
            current_setting('server_encoding') AS encoding`,
  );
  const [server] = rows;
  if (server !== undefined && server.number < SERVER_VERSION_MIN) {
    throw new DatabaseError(
      'unsupported',
      `PostgreSQL ${server.version} is too old: 14 or later is needed`,
    );
  }
  // Any other has no form for some texts, or takes bytes for characters.
  if (server !== undefined && server.encoding !== 'UTF8') {
    throw new DatabaseError(
      'encoding',
      `the encoding of the database is ${server.encoding}, and has to be UTF8: create another one with ` +
        `CREATE DATABASE <name> TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8', ` +
        'or in another locale with UTF-8, and name it in DATABASE_URL',
    );
  }
}

async function migrateUnderLock(
  pool: Pool,
  migrations: readonly Migration[],
  signal: AbortSignal | undefined,
): Promise<string[]> {
  await pool.query(SESSION);
  await takeLock(pool, signal);
  const history = await readHistory(pool);
  const names = pendingNames(migrations, history);
  if (names.length === 0) return [];
  if (history.some(({ finished }) => !finished)) await pool.query(FORGET_UNFINISHED);
  const engine = await createSchemaEngine(pool);
  try {
    await engine.apply(migrations);
    return names;
  } catch (error) {
    throw await failure(pool, error);
  } finally {
    engine.close();
  }
}

/**
 * Asked for again and again instead of waited for: a waiting query holds a snapshot, and an index
 * that is built concurrently under this lock would wait for that snapshot in turn, for ever.
 */
async function takeLock(pool: Pool, signal: AbortSignal | undefined): Promise<void> {
  const ask = `SELECT pg_try_advisory_lock(${PRISMA_LOCK}) AS taken`;
  for (;;) {
    const { rows } = await pool.query<{ taken: boolean }>(ask);
    if (rows[0]?.taken === true) return;
    await delay(LOCK_POLL_MS, undefined, { signal });
  }
}

/**
 * Throws when a later version of the program has changed the schema so that this one cannot use it.
 * What a release adds, an older one leaves alone: only a later release takes away what that needs.
 */
export async function requireCompatible(
  client: Pick<Pool, 'query'>,
  migrations: readonly Migration[],
  unknown: readonly string[] = [],
): Promise<void> {
  const since = await readCompatibleSince(client);
  const fits =
    since === undefined ? unknown.length === 0 : migrations.some(({ name }) => name >= since);
  if (fits) return;
  throw new DatabaseError(
    'newer',
    `the database is newer than this program: it has the migration ${unknown.join(', ') || since}; ` +
      'run the version that made it, or a later one',
  );
}

async function readCompatibleSince(client: Pick<Pool, 'query'>): Promise<string | undefined> {
  const { rows: found } = await client.query<{ exists: boolean }>(
    `SELECT to_regclass('schema_compatibility') IS NOT NULL AS exists`,
  );
  if (found[0]?.exists !== true) return undefined;
  const { rows } = await client.query<{ since: string }>('SELECT since FROM schema_compatibility');
  return rows[0]?.since;
}

function unknownNames(migrations: readonly Migration[], history: readonly HistoryRow[]): string[] {
  const known = new Set(migrations.map(({ name }) => name));
  return history.filter(({ name }) => !known.has(name)).map(({ name }) => name);
}

/** What the database still lacks, oldest first. */
function pendingNames(migrations: readonly Migration[], history: readonly HistoryRow[]): string[] {
  const done = new Set(history.filter(({ finished }) => finished).map(({ name }) => name));
  return migrations.map(({ name }) => name).filter((name) => !done.has(name));
}

async function readHistory(pool: Pool): Promise<HistoryRow[]> {
  const { rows: found } = await pool.query<{ exists: boolean }>(
    `SELECT to_regclass('public._prisma_migrations') IS NOT NULL AS exists`,
  );
  if (found[0]?.exists !== true) return [];
  const { rows } = await pool.query<HistoryRow>(
    `SELECT migration_name AS name, finished_at IS NOT NULL AS finished
       FROM public._prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at`,
  );
  return rows;
}

async function failure(pool: Pool, error: unknown): Promise<DatabaseError> {
  const unfinished = (await readHistory(pool)).find(({ finished }) => !finished);
  const what =
    unfinished === undefined
      ? 'the migrations cannot be applied'
      : `migration ${unfinished.name} failed and was rolled back`;
  return new DatabaseError('migration_failed', `${what}: ${engineReason(error)}`, { cause: error });
}

/** The engine's message without its preamble and its Rust backtrace. */
function engineReason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const [head = text] = text.split(/\n\s*0: /);
  return reasonOf(head.replace(/^external connector error\s+Error querying the database: /, ''));
}

/** The next query says it better. */
function ignoreLostConnection(): void {}
