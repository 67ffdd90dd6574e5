import { Client, type ClientBase } from 'pg';
import { waited } from '../../core/waited.ts';
import { leave } from './leave.ts';
import { CONNECT_MS } from './limits.ts';

/** For an answer. Statements give up before, so that who only had to wait for others is not taken for lost. */
const PATIENCE_MS = 5_000;
const BEGIN = `BEGIN;
  SET LOCAL TimeZone TO 'UTC';
  SET LOCAL lock_timeout TO ${PATIENCE_MS - 1_000};
  SET LOCAL statement_timeout TO ${PATIENCE_MS - 1_000};
  SET LOCAL idle_in_transaction_session_timeout TO ${PATIENCE_MS}`;

/**
 * A connection past any pooler, for what only a session has: it hears notifications, and by it a
 * process knows that the database is there. Beside that it is for transactions that are few and
 * short and must not wait for anybody else's.
 */
export class DirectSession {
  readonly #client: Client;
  readonly #lost = new AbortController();
  readonly #listeners = new Map<string, (payload: string) => void>();
  #lastTurn: Promise<unknown> = Promise.resolve();

  private constructor(url: string) {
    this.#client = new Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: PATIENCE_MS,
      keepAlive: true,
      application_name: 'aibridge session',
    });
    this.#client.on('error', (error) => this.#lost.abort(error));
    this.#client.on('end', () => this.#lost.abort(new Error('the connection was closed')));
    this.#client.on('notification', ({ channel, payload }) => {
      this.#listeners.get(channel)?.(payload ?? '');
    });
  }

  static async open(url: string): Promise<DirectSession> {
    const session = new DirectSession(url);
    try {
      await session.#client.connect();
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** Aborts, with the reason, when nothing more comes of this session. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async listen(channel: string, onNotification: (payload: string) => void): Promise<void> {
    this.#listeners.set(channel, onNotification);
    await this.#inTurn(() =>
      this.#client.query(`LISTEN ${this.#client.escapeIdentifier(channel)}`),
    );
  }

  /** Committed when the task resolves, undone when it rejects. One after the other. */
  transaction<T>(task: (client: ClientBase) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      try {
        await this.#client.query(BEGIN);
        const result = await task(this.#client);
        await this.#client.query('COMMIT');
        return result;
      } catch (error) {
        await this.#undo();
        throw error;
      }
    });
  }

  /** Asks again and again until `stop`. Rejects when the session is lost, which asking finds out when nothing else does. */
  async watch(
    ask: (client: ClientBase) => Promise<unknown>,
    everyMs: number,
    stop: AbortSignal,
  ): Promise<void> {
    const over = AbortSignal.any([stop, this.lost]);
    while (await waited(everyMs, over)) await this.#inTurn(() => ask(this.#client));
    if (!stop.aborted) this.lost.throwIfAborted();
  }

  async close(): Promise<void> {
    await leave(this.#client);
  }

  async #undo(): Promise<void> {
    try {
      await this.#client.query('ROLLBACK');
    } catch (error) {
      this.#lost.abort(error);
    }
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(task);
    this.#lastTurn = turn.catch(() => undefined);
    return turn;
  }
}
