import { Client } from 'pg';
import { waited } from '../core/waited.ts';
import { reasonOf } from './connection/database-error.ts';
import { leave } from './connection/leave.ts';

export interface ListenerOptions {
  /** Asked again for every connection; may throw while the database is not there. */
  readonly url: () => string;
  readonly channel: string;
  /** Also after every (re)connection: what happened in between was not heard. */
  readonly onNotification: (payload: string) => void;
  readonly warn: (message: string) => void;
}

const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 10_000;
const PING_MS = 10_000;

/** One connection that hears what PostgreSQL is notified of, and comes back whenever it is lost. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Returns at once. */
  open(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let retryMs = RETRY_MIN_MS;
    while (!signal.aborted) {
      try {
        await this.#listen(() => (retryMs = RETRY_MIN_MS));
      } catch (error) {
        this.#options.warn(`listening to the database was interrupted: ${reasonOf(error)}`);
        await waited(retryMs, signal);
        retryMs = Math.min(RETRY_MAX_MS, retryMs * 2);
      }
    }
  }

  /** Until closed; throws when the connection is lost, which a query finds out when nothing else does. */
  async #listen(onConnect: () => void): Promise<void> {
    const { url, channel, onNotification } = this.#options;
    const lost = new AbortController();
    const client = new Client({
      connectionString: url(),
      connectionTimeoutMillis: PING_MS,
      query_timeout: PING_MS,
      application_name: `aibridge listen ${channel}`,
    });
    client.on('notification', ({ payload }) => onNotification(payload ?? ''));
    client.on('error', (error) => lost.abort(error));
    client.on('end', () => lost.abort(new Error('the connection was closed')));
    try {
      await client.connect();
      await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
      onConnect();
      onNotification('');
      const signal = AbortSignal.any([this.#closing.signal, lost.signal]);
      while (await waited(PING_MS, signal)) await client.query('SELECT 1');
      if (lost.signal.aborted && !this.#closing.signal.aborted) throw lost.signal.reason;
    } finally {
      await leave(client);
    }
  }
}
