import { Socket } from 'node:net';
import {
  Client,
  type ClientBase,
  type QueryConfig,
  type QueryResult,
  type QueryResultRow,
} from 'pg';
import { CONNECT_MS, LIMITS, type Limits } from './limits.ts';

/**
 * How every transaction begins. It is told what holds for it and leaves nothing behind: a pooler
 * gives the connection to somebody else afterwards, and the next transaction to another connection.
 * In SQL and not as start-up parameters, which poolers refuse. Prisma's adapter reads times as UTC
 * whatever the session says. A process that stands still in the middle of a transaction must not
 * hold its locks until it is found dead.
 *
 * Lists want a page of a big table: compiling a statement takes longer than running it, bitmaps
 * have to hold every row and not only its page, and on today's disks a page that is picked out
 * costs hardly more than the next one.
 */
export function beginning(limits: Limits): string {
  return `BEGIN;${settings(limits)}`;
}

/** For a transaction that has begun: in one statement, as there are many transactions. */
export function settings({ lockMs, statementMs, silenceMs }: Limits): string {
  const all = {
    TimeZone: 'UTC',
    lock_timeout: lockMs,
    statement_timeout: statementMs,
    idle_in_transaction_session_timeout: silenceMs,
    jit: 'off',
    work_mem: '64MB',
    random_page_cost: 1.1,
  };
  const each = Object.entries(all).map(
    ([name, value]) => `set_config('${name}', '${value}', true)`,
  );
  return `SELECT ${each.join(', ')}`;
}

/** What PostgreSQL does in several transactions of its own, and refuses to do in one. */
const CONCURRENT = /\sCONCURRENTLY$/;

/** One query, as a transaction of its own. */
export async function asked<Row extends QueryResultRow>(
  client: ClientBase,
  begin: string,
  query: QueryConfig,
): Promise<QueryResult<Row>> {
  if (CONCURRENT.test(query.text)) return client.query<Row>(query);
  try {
    await client.query(begin);
    const result = await client.query<Row>(query);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // On a connection that is lost there is nothing left to undo.
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

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
export async function openClient(url: string, name: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    application_name: name,
    stream: () => impatientSocket(LIMITS.silenceMs),
  });
  await client.connect();
  return client;
}
