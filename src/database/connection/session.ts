import { Socket } from 'node:net';
import { Client } from 'pg';

const CONNECT_TIMEOUT_MS = 5_000;
/** Longer than any statement takes. */
export const SILENCE_MS = 75_000;

/**
 * What every connection is told first, in SQL and not as start-up parameters, which connection
 * poolers refuse. Prisma's adapter reads times as UTC whatever the session says; a statement that
 * runs longer is not worth waiting for.
 *
 * Lists want a page of a big table: compiling a statement takes longer than running it, bitmaps
 * have to hold every row and not only its page, and on today's disks a page that is picked out
 * costs hardly more than the next one.
 */
export const SESSION = [
  `SET TimeZone TO 'UTC'`,
  `SET statement_timeout TO '60s'`,
  `SET jit TO off`,
  `SET work_mem TO '64MB'`,
  `SET random_page_cost TO 1.1`,
].join(';');

/**
 * A machine that is unplugged closes no connection, and TCP waits a quarter of an
 * hour for it. Idle connections leave the pool long before their silence counts.
 */
export function impatientSocket(silenceMs: number): Socket {
  const socket = new Socket();
  return socket.setTimeout(silenceMs, () => {
    socket.destroy(new Error(`the database has been silent for ${silenceMs} ms`));
  });
}

/** A connection of one's own, for statements that are at hand: without Prisma, where it is to be small. */
export async function openSession(url: string, name: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: name,
    stream: () => impatientSocket(SILENCE_MS),
  });
  await client.connect();
  await client.query(SESSION);
  return client;
}
