import { Client, type Notification } from 'pg';
import {
  eventRow,
  FORGET_OLD_MODELS,
  namesOf,
  READ_ALL,
  READ_NAMED,
  recordFrom,
  type RecordRow,
  rowOf,
  WRITE_EVENTS,
  WRITE_RECORDS,
} from './key-state-rows.ts';
import type {
  KeyChange,
  KeyName,
  KeyStateListener,
  KeyStateSession,
  RecordedKeyState,
} from '../pool/key-state-store.ts';
import { mergeChanges } from './merge-changes.ts';

export interface SessionOptions {
  readonly url: string;
  /** The id of this process, by which it knows its own notifications. */
  readonly sender: string;
  readonly newEventId: () => string;
  /** Ends a connection, also one whose server is frozen. */
  readonly leave: (client: Client) => Promise<void>;
}

const CHANNEL = 'aibridge_keys';
/** Long enough for a database under load; a session that is slower than this counts as lost. */
const PATIENCE_MS = 5_000;
/** `keys` in ASCII. One merge at a time in the whole database: they are few and short. */
const MERGE_LOCK = 0x6b657973;

/**
 * A connection of its own, so that what is to be heard within a second neither waits for
 * the other users of the database nor keeps them waiting. Whoever sees anything fail
 * closes it and opens another: that also ends a transaction that was under way.
 */
export class PostgresKeyStateSession implements KeyStateSession {
  readonly #client: Client;
  readonly #options: SessionOptions;

  private constructor(client: Client, options: SessionOptions) {
    this.#client = client;
    this.#options = options;
  }

  static async open(
    options: SessionOptions,
    listener: KeyStateListener,
  ): Promise<PostgresKeyStateSession> {
    const client = new Client({
      connectionString: options.url,
      connectionTimeoutMillis: PATIENCE_MS,
      query_timeout: PATIENCE_MS,
      keepAlive: true,
      application_name: 'aibridge keys',
    });
    client.on('error', (error) => listener.onLost(error));
    client.on('end', () => listener.onLost(new Error('the connection was closed')));
    client.on('notification', (heard) => {
      const key = keyOf(heard, options.sender);
      if (key) listener.onChange(key);
    });
    try {
      await client.connect();
      await client.query(`SET lock_timeout TO ${PATIENCE_MS}`);
      await client.query(`SET idle_in_transaction_session_timeout TO ${PATIENCE_MS}`);
      await client.query(`LISTEN ${CHANNEL}`);
    } catch (error) {
      await options.leave(client);
      throw error;
    }
    return new PostgresKeyStateSession(client, options);
  }

  async read(keys?: readonly KeyName[]): Promise<readonly RecordedKeyState[]> {
    const query = keys ? { text: READ_NAMED, values: [namesOf(keys)] } : { text: READ_ALL };
    const { rows } = await this.#client.query<RecordRow>(query);
    return rows.map(recordFrom);
  }

  async merge(changes: readonly KeyChange[]): Promise<readonly RecordedKeyState[]> {
    await this.#client.query('BEGIN');
    await this.#client.query('SELECT pg_advisory_xact_lock($1)', [MERGE_LOCK]);
    const known = await this.read(changes);
    const { records, events } = mergeChanges(known, changes, await this.#nowMs());
    if (records.length > 0) {
      const { sender, newEventId } = this.#options;
      const rows = events.map((event) => eventRow({ id: newEventId(), ...event }));
      await this.#client.query(WRITE_RECORDS, [JSON.stringify(records.map(rowOf)), sender]);
      await this.#client.query(WRITE_EVENTS, [JSON.stringify(rows), sender]);
      await this.#client.query(FORGET_OLD_MODELS, [namesOf(records)]);
      await this.#notify(records);
    }
    const merged = await this.read(changes);
    await this.#client.query('COMMIT');
    return merged;
  }

  async close(): Promise<void> {
    await this.#options.leave(this.#client);
  }

  /** The time of the database, the one clock that all replicas share. */
  async #nowMs(): Promise<number> {
    const { rows } = await this.#client.query<{ now: Date }>('SELECT clock_timestamp() AS now');
    const [row] = rows;
    if (row === undefined) throw new Error('the database does not tell the time');
    return row.now.getTime();
  }

  async #notify(records: readonly RecordedKeyState[]): Promise<void> {
    const payloads = new Set(records.map((record) => payloadOf(record, this.#options.sender)));
    await this.#client.query(
      `SELECT pg_notify('${CHANNEL}', payload) FROM unnest($1::text[]) AS payload`,
      [[...payloads]],
    );
  }
}

/** None of the three has a blank in it. */
function payloadOf({ provider, fingerprint }: KeyName, sender: string): string {
  return `${sender} ${provider} ${fingerprint}`;
}

function keyOf({ payload = '' }: Notification, ownSender: string): KeyName | undefined {
  const [sender, provider, fingerprint] = payload.split(' ');
  if (sender === ownSender || provider === undefined || fingerprint === undefined) return undefined;
  return { provider, fingerprint };
}
