import { Socket } from 'node:net';
import { PrismaPg } from '@prisma/adapter-pg';
import { Pool, type PoolClient } from 'pg';
import { PrismaClient } from '../generated/prisma/client.ts';

export interface ClientOptions {
  /** How many connections at most; they are opened when needed. */
  readonly poolMax: number;
  /** A server that is silent for this long has gone without a word; default: longer than any statement takes. */
  readonly silenceMs?: number;
}

const CONNECT_TIMEOUT_MS = 5_000;
const SILENCE_MS = 75_000;

/**
 * What every connection is told first, in SQL and not as start-up parameters, which connection
 * poolers refuse. Prisma's adapter reads times as UTC whatever the session says; a statement that
 * runs longer is not worth waiting for.
 *
 * Lists want a page of a big table: compiling a statement takes longer than running it, bitmaps
 * have to hold every row and not only its page, and on today's disks a page that is picked out
 * costs hardly more than the next one.
 */
const SESSION = [
  `SET TimeZone TO 'UTC'`,
  `SET statement_timeout TO '60s'`,
  `SET jit TO off`,
  `SET work_mem TO '64MB'`,
  `SET random_page_cost TO 1.1`,
].join(';');

/** Opens nothing yet: the first query does. `$disconnect` closes every connection. */
export function createPrismaClient(
  url: string,
  { poolMax, silenceMs = SILENCE_MS }: ClientOptions,
): PrismaClient {
  const pool = new Pool({
    connectionString: url,
    max: poolMax,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'aibridge',
    stream: () => impatientSocket(silenceMs),
    verify: prepareSession,
  });
  return new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: true }) });
}

/**
 * A machine that is unplugged closes no connection, and TCP waits a quarter of an
 * hour for it. Idle connections leave the pool long before their silence counts.
 */
function impatientSocket(silenceMs: number): Socket {
  const socket = new Socket();
  return socket.setTimeout(silenceMs, () => {
    socket.destroy(new Error(`the database has been silent for ${silenceMs} ms`));
  });
}

function prepareSession(client: PoolClient, done: (error?: Error) => void): void {
  client.query(SESSION, (error) => done(error));
}
