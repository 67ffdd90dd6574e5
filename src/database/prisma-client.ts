import { PrismaPg } from '@prisma/adapter-pg';
import { Pool, type PoolClient } from 'pg';
import { PrismaClient } from '../generated/prisma/client.ts';

export interface ClientOptions {
  /** How many connections at most; they are opened when needed. */
  readonly poolMax: number;
}

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * What every connection is told first. Prisma's adapter reads times as UTC whatever the session
 * says; a statement that runs longer is not worth waiting for. Told in SQL and not as start-up
 * parameters, which connection poolers refuse.
 */
const SESSION = `SET TimeZone TO 'UTC'; SET statement_timeout TO '60s'`;

/** Opens nothing yet: the first query does. `$disconnect` closes every connection. */
export function createPrismaClient(url: string, options: ClientOptions): PrismaClient {
  const pool = new Pool({
    connectionString: url,
    max: options.poolMax,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'aibridge',
    verify: prepareSession,
  });
  return new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: true }) });
}

function prepareSession(client: PoolClient, done: (error?: Error) => void): void {
  client.query(SESSION, (error) => done(error));
}
