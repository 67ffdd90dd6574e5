import type { ClientBase } from 'pg';
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
import type { KeyRecord } from '../key/key-record.ts';
import type {
  KeyChange,
  KeyName,
  KeyStateListener,
  KeyStateSession,
} from '../pool/key-state-store.ts';
import { mergeChanges } from './merge-changes.ts';

/** A session with the database, which does one transaction after the other. */
export interface SharedSession {
  readonly lost: AbortSignal;
  transaction<T>(task: (client: ClientBase) => Promise<T>): Promise<T>;
}

export interface SessionOptions {
  readonly session: SharedSession;
  /** The id of this process, by which it knows its own notifications. */
  readonly sender: string;
  readonly newEventId: () => string;
}

export const CHANNEL = 'aibridge_keys';
/** `keys` in ASCII. One merge at a time in the whole database: they are few and short. */
const MERGE_LOCK = 0x6b657973;

/** What is to be heard within a second neither waits for those who ask the database much nor keeps them waiting. */
export class PostgresKeyStateSession implements KeyStateSession {
  readonly #options: SessionOptions;
  readonly #listener: KeyStateListener;
  readonly #closed = new AbortController();

  constructor(options: SessionOptions, listener: KeyStateListener) {
    this.#options = options;
    this.#listener = listener;
    const { lost } = options.session;
    const onLost = (): void => listener.onLost(lost.reason);
    if (lost.aborted) onLost();
    else lost.addEventListener('abort', onLost, { once: true, signal: this.#closed.signal });
  }

  /** The payload of a notification on `CHANNEL`; without one, when listening has begun anew. */
  hear(payload: string): void {
    const key = keyOf(payload, this.#options.sender);
    if (key !== undefined && !this.#closed.signal.aborted) this.#listener.onChange(key);
  }

  read(keys?: readonly KeyName[]): Promise<readonly KeyRecord[]> {
    return this.#options.session.transaction((client) => recordsOf(client, keys));
  }

  merge(changes: readonly KeyChange[]): Promise<readonly KeyRecord[]> {
    const keys = changes.map(({ record }) => record);
    return this.#options.session.transaction(async (client) => {
      await client.query('SELECT pg_advisory_xact_lock($1)', [MERGE_LOCK]);
      const known = await recordsOf(client, keys);
      await this.#write(client, mergeChanges(known, changes, await timeOf(client)));
      return recordsOf(client, keys);
    });
  }

  close(): Promise<void> {
    this.#closed.abort();
    return Promise.resolve();
  }

  /** The time of the database, the one clock that all replicas share. */
  nowMs(): Promise<number> {
    return this.#options.session.transaction(timeOf);
  }

  async #write(
    client: ClientBase,
    { records, events }: ReturnType<typeof mergeChanges>,
  ): Promise<void> {
    if (records.length === 0) return;
    const { sender, newEventId } = this.#options;
    const rows = events.map((event) => eventRow({ id: newEventId(), ...event }));
    await client.query(WRITE_RECORDS, [JSON.stringify(records.map(rowOf)), sender]);
    await client.query(WRITE_EVENTS, [JSON.stringify(rows), sender]);
    await client.query(FORGET_OLD_MODELS, [namesOf(records)]);
    const payloads = new Set(records.map((record) => payloadOf(record, sender)));
    await client.query(
      `SELECT pg_notify('${CHANNEL}', payload) FROM unnest($1::text[]) AS payload`,
      [[...payloads]],
    );
  }
}

async function recordsOf(
  client: ClientBase,
  keys: readonly KeyName[] | undefined,
): Promise<readonly KeyRecord[]> {
  const query = keys ? { text: READ_NAMED, values: [namesOf(keys)] } : { text: READ_ALL };
  const { rows } = await client.query<RecordRow>(query);
  return rows.map(recordFrom);
}

async function timeOf(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  const [row] = rows;
  if (row === undefined) throw new Error('the database does not tell the time');
  return row.now.getTime();
}

/** None of the three has a blank in it. */
function payloadOf({ provider, fingerprint }: KeyName, sender: string): string {
  return `${sender} ${provider} ${fingerprint}`;
}

function keyOf(payload: string, ownSender: string): KeyName | undefined {
  const [sender, provider, fingerprint] = payload.split(' ');
  if (sender === ownSender || provider === undefined || fingerprint === undefined) return undefined;
  return { provider, fingerprint };
}
