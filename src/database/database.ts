import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { PrismaClient } from '../generated/prisma/client.ts';
import { DatabaseError, reasonOf, type DatabaseErrorCode } from './connection/database-error.ts';
import { EmbeddedPostgres } from './embedded/embedded-postgres.ts';
import { leave } from './connection/leave.ts';
import { migrate } from './migrations/migrations.ts';
import { createPrismaClient } from './connection/prisma-client.ts';

export type DatabaseState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'ready' }
  /** The reason may name hosts: it is for logs and operators. */
  | { readonly kind: 'down'; readonly reason: string };

export interface DatabaseLog {
  log(line: string): void;
  warn(line: string): void;
  debug(line: string): void;
}

export interface DatabaseOptions {
  /** Undefined: the embedded server in `dataDir`. */
  readonly url: string | undefined;
  readonly dataDir: string;
  readonly log: DatabaseLog;
}

const POOL_MAX = 10;
const PING_MS = 5_000;
/** A server that is frozen takes no leave. */
const LEAVE_MS = 2_000;
const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 10_000;

/** What time alone does not mend is tried again all the same, for when somebody mends it. */
const STUBBORN: ReadonlySet<DatabaseErrorCode> = new Set([
  'newer',
  'unsupported',
  'migration_failed',
]);
const STUBBORN_RETRY_MS = 60_000;

/**
 * The database as the bridge sees it: sooner or later there, possibly away for a while. It starts
 * the embedded server, migrates, connects, and does so again whenever the connection is lost, all
 * in the background: nobody waits for it but those who need it.
 */
export class Database {
  readonly #options: DatabaseOptions;
  readonly #closing = new AbortController();
  readonly #firstReady = Promise.withResolvers<void>();
  #embedded: EmbeddedPostgres | undefined;
  #running: Promise<void> | undefined;
  #state: DatabaseState = { kind: 'starting' };
  #connection: { readonly url: string; readonly client: PrismaClient } | undefined;

  constructor(options: DatabaseOptions) {
    this.#options = options;
  }

  /** Returns at once. Throws only when another bridge has the data directory of the embedded server. */
  open(): void {
    const { url, dataDir } = this.#options;
    if (url === undefined) {
      this.#embedded = EmbeddedPostgres.open({ dataDir, log: (line) => this.#logServer(line) });
    }
    this.#running = this.#run();
  }

  /** Resolves when the database is there for the first time; never rejects. */
  get ready(): Promise<void> {
    return this.#firstReady.promise;
  }

  get state(): DatabaseState {
    return this.#state;
  }

  /** For queries of the audit API and the like. Throws a `DatabaseError` (`unavailable`) while down. */
  get client(): PrismaClient {
    if (this.#state.kind !== 'ready') throw this.#unavailable();
    return this.#connected.client;
  }

  /** For connections of one's own: the writer's thread, LISTEN. Stays the same once it is known. */
  get url(): string {
    return this.#connected.url;
  }

  /** After everybody else has finished with it. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#state = { kind: 'down', reason: 'the bridge is stopping' };
    await inTime(this.#connection?.client.$disconnect());
    await this.#embedded?.stop();
    await this.#running;
  }

  get #connected() {
    if (this.#connection === undefined) throw this.#unavailable();
    return this.#connection;
  }

  #unavailable(): DatabaseError {
    const reason = this.#state.kind === 'down' ? this.#state.reason : 'it is starting';
    return new DatabaseError('unavailable', `the database is not available: ${reason}`);
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#connect();
        failures = 0;
        await this.#watch();
      } catch (error) {
        if (signal.aborted) return;
        this.#becomeDown(error);
        failures += 1;
        await delay(retryInMs(error, failures), undefined, { signal }).catch(ignoreAbort);
      }
    }
  }

  async #connect(): Promise<void> {
    const url = (await this.#embedded?.start()) ?? this.#options.url ?? '';
    const applied = await migrate(url, { signal: this.#closing.signal });
    if (applied.length > 0) this.#options.log.log(`migrated the database: ${applied.join(', ')}`);
    this.#connection ??= { url, client: createPrismaClient(url, { poolMax: POOL_MAX }) };
  }

  /** Rejects when the database goes away, told by a connection that does nothing else. */
  async #watch(): Promise<void> {
    const lost = new AbortController();
    const client = new Client({
      connectionString: this.url,
      connectionTimeoutMillis: PING_MS,
      query_timeout: PING_MS,
      application_name: 'aibridge watch',
    });
    client.on('error', (error) => lost.abort(error));
    client.on('end', () => lost.abort(new Error('the connection was closed')));
    try {
      await client.connect();
      this.#becomeReady();
      const signal = AbortSignal.any([this.#closing.signal, lost.signal]);
      for (;;) {
        await delay(PING_MS, undefined, { signal });
        await client.query('SELECT 1');
      }
    } catch (error) {
      throw lost.signal.aborted ? lost.signal.reason : error;
    } finally {
      await leave(client);
    }
  }

  #becomeReady(): void {
    if (this.#closing.signal.aborted) return;
    this.#state = { kind: 'ready' };
    this.#options.log.log('the database is ready');
    this.#firstReady.resolve();
  }

  /** Said once per reason, however often it is tried. */
  #becomeDown(error: unknown): void {
    const reason = reasonOf(error);
    if (this.#state.kind !== 'down' || this.#state.reason !== reason) {
      this.#options.log.warn(`the database is not available: ${reason}`);
    }
    this.#state = { kind: 'down', reason };
  }

  #logServer(line: string): void {
    if (/^(WARNING|ERROR|FATAL|PANIC):/.test(line)) this.#options.log.warn(`postgres: ${line}`);
    else this.#options.log.debug(`postgres: ${line}`);
  }
}

async function inTime(leaving: Promise<void> | undefined): Promise<void> {
  await Promise.race([leaving, delay(LEAVE_MS, undefined, { ref: false })]);
}

function retryInMs(error: unknown, failures: number): number {
  if (error instanceof DatabaseError && STUBBORN.has(error.code)) return STUBBORN_RETRY_MS;
  return Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (failures - 1));
}

/** The loop around it sees the signal itself. */
function ignoreAbort(): void {}
