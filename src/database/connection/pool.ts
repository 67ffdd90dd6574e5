import { Pool, type QueryConfig, type QueryResult } from 'pg';
import { CONNECT_MS, LIMITS, POOL_IDLE_MS, type Limits } from './limits.ts';
import { asked, beginning, impatientSocket } from './session.ts';

export interface PoolOptions {
  /** How many connections at most; they are opened when needed. */
  readonly max: number;
  /** How long to wait for a connection: a new one, or one that others are done with. */
  readonly waitMs?: number;
  /** Of single statements; transactions have their own. */
  readonly limits?: Limits;
}

/** Opens nothing yet: the first query does. */
export function createPool(
  url: string,
  { max, waitMs = CONNECT_MS, limits = LIMITS }: PoolOptions,
): Pool {
  const pool = new Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: waitMs,
    idleTimeoutMillis: POOL_IDLE_MS,
    keepAlive: true,
    application_name: 'aibridge',
    stream: () => impatientSocket(limits.silenceMs),
  });
  const begin = beginning(limits);
  return Object.assign(pool, { query: (query: QueryConfig) => askedOf(pool, begin, query) });
}

/** In place of the pool's own way, which would ask without any limit. */
async function askedOf(pool: Pool, begin: string, query: QueryConfig): Promise<QueryResult> {
  const client = await pool.connect();
  client.on('error', ignore);
  try {
    return await asked(client, begin, query);
  } finally {
    client.off('error', ignore);
    client.release();
  }
}

/**
 * A place in the pool for a connection that is opened elsewhere, such as in a thread of its own: the
 * pool has one less until the place is given back.
 */
export async function lentPlace(pool: Pool): Promise<() => void> {
  const client = await pool.connect();
  // Whatever goes wrong with a connection that is being given up, it is gone.
  client.on('error', () => undefined);
  await client.end();
  return () => client.release(true);
}

/** The query fails of it as well, and says so. */
function ignore(): void {}
