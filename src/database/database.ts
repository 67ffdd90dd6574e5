import { setTimeout as delay } from 'node:timers/promises';
import type { ClientBase, Pool } from 'pg';
import { keptUp } from '../core/kept-up.ts';
import type { PrismaClient } from '../generated/prisma/client.ts';
import {
  DatabaseError,
  isCancelled,
  reasonOf,
  type DatabaseErrorCode,
} from './connection/database-error.ts';
import { DirectSession } from './connection/direct-session.ts';
import { createPool, lentPlace } from './connection/pool.ts';
import { prismaOn } from './connection/prisma-client.ts';
import { sharesOf, type Shares } from './connection/shares.ts';
import { LOOK_MS, Standby } from './standby.ts';
import { EmbeddedPostgres } from './embedded/embedded-postgres.ts';
import type { Migration } from './migrations/schema-engine.ts';
import { migrate, readMigrations, requireCompatible } from './migrations/migrations.ts';

export type DatabaseState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'ready' }
  /** The reason may name hosts: it is for logs and operators. */
  | {
      readonly kind: 'down';
      readonly reason: string;
      readonly code: DatabaseErrorCode | undefined;
    };

export interface DatabaseLog {
  log(line: string): void;
  warn(line: string): void;
  debug(line: string): void;
}

export interface DatabaseOptions {
  /** Undefined: the embedded server in `dataDir`. */
  readonly url: string | undefined;
  /** The same database past any pooler; undefined: `url` is. */
  readonly directUrl?: string | undefined;
  /** A standby of it; undefined: there is none. */
  readonly readUrl?: string | undefined;
  /** How many connections this process may have at most. */
  readonly connections: number;
  readonly dataDir: string;
  readonly log: DatabaseLog;
  /** From 0 up to 1. */
  readonly random: () => number;
}

interface Connection {
  readonly url: string;
  readonly pool: Pool;
  readonly client: PrismaClient;
}

/** Who answers questions, and how far the standby is behind at most, if that can be told. */
export type ReadingState =
  | { readonly from: 'standby'; readonly behindMs: number }
  | { readonly from: 'primary'; readonly behindMs: number | undefined };

/** An answer, and how far what it says is behind at most; undefined: not at all. */
export interface Read<T> {
  readonly answer: T;
  readonly behindMs: number | undefined;
}

/** A place among the connections. */
export interface Place {
  /** Where to connect to. */
  readonly url: string;
  giveBack(): void;
}

const PING_MS = 5_000;
/** A standby that is further behind is away for all that people know of it. */
const BEHIND_MS_MAX = 60_000;
/** A server that is frozen takes no leave. */
const LEAVE_MS = 2_000;
const PAUSES = { minMs: 250, maxMs: 10_000 };

/** What time alone does not mend is tried again all the same, for when somebody mends it. */
const STUBBORN: ReadonlySet<DatabaseErrorCode> = new Set([
  'newer',
  'unsupported',
  'encoding',
  'migration_failed',
]);
const STUBBORN_RETRY_MS = 60_000;

/**
 * The database as the bridge sees it: sooner or later there, possibly away for a while. It starts
 * the embedded server, migrates, connects, and does so again whenever the connection is lost, all
 * in the background: nobody waits for it but those who need it.
 */
export class Database {
  readonly shares: Shares;
  readonly #options: DatabaseOptions;
  readonly #closing = new AbortController();
  readonly #firstReady = Promise.withResolvers<void>();
  readonly #refused = Promise.withResolvers<DatabaseError>();
  readonly #listeners = new Map<string, (payload: string) => void>();
  readonly #standby: Standby | undefined;
  #embedded: EmbeddedPostgres | undefined;
  #running: Promise<void> | undefined;
  #state: DatabaseState = { kind: 'starting' };
  #connection: Connection | undefined;
  #session = newSession();

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.shares = sharesOf(options.connections);
    const { readUrl, log, random } = options;
    if (readUrl === undefined) return;
    this.#standby = new Standby({ url: readUrl, connections: this.shares.questions, log, random });
  }

  /** Returns at once. Throws only when another bridge has the data directory of the embedded server. */
  open(): void {
    const { url, dataDir, random } = this.#options;
    if (url === undefined) {
      this.#embedded = EmbeddedPostgres.open({ dataDir, log: (line) => this.#logServer(line) });
    }
    this.#running = keptUp((isUp) => this.#attend(isUp), {
      signal: this.#closing.signal,
      pauses: { ...PAUSES, random },
      failed: (error) => this.#becomeDown(error),
    });
    this.#standby?.open();
  }

  /** Resolves when the database is there for the first time; never rejects. */
  get ready(): Promise<void> {
    return this.#firstReady.promise;
  }

  /**
   * Resolves when the first answer is that this database will not do, for which the configuration
   * is to be mended. One that is found later, by a bridge at work, is waited for like one that is away.
   */
  get refused(): Promise<DatabaseError> {
    return this.#refused.promise;
  }

  get state(): DatabaseState {
    return this.#state;
  }

  /** For queries of the audit API and the like. Throws a `DatabaseError` (`unavailable`) while down. */
  get client(): PrismaClient {
    if (!this.#isReady) throw this.#unavailable();
    return this.#connected.client;
  }

  /** For connections of one's own: the writer's thread, exports. Stays the same once it is known. */
  get url(): string {
    return this.#connected.url;
  }

  /** The session that there is, or the next one there will be. Rejects when the database is closed. */
  get session(): Promise<DirectSession> {
    return this.#session.promise;
  }

  /**
   * From now on, through whatever befalls the connection. Also told, of nothing, whenever listening
   * begins: what happened before was not heard.
   */
  listen(channel: string, onNotification: (payload: string) => void): void {
    this.#listeners.set(channel, onNotification);
  }

  /** Undefined: there is no standby to answer in its place. */
  get reading(): ReadingState | undefined {
    if (this.#standby === undefined) return undefined;
    const behindMs = this.#standby.behindMs;
    const isUsed = behindMs !== undefined && (behindMs <= BEHIND_MS_MAX || !this.#isReady);
    return isUsed ? { from: 'standby', behindMs } : { from: 'primary', behindMs };
  }

  /**
   * Of the standby, where there is one; of the database itself when that fails. What takes too long
   * would take too long once more.
   */
  async read<T>(ask: (client: PrismaClient) => Promise<T>): Promise<Read<T>> {
    const { reading } = this;
    if (this.#standby !== undefined && reading?.from === 'standby') {
      try {
        return { answer: await ask(this.#standby.client), behindMs: reading.behindMs };
      } catch (error) {
        if (isCancelled(error)) throw error;
      }
    }
    return { answer: await ask(this.client), behindMs: undefined };
  }

  /** A place among the connections for questions, for one that is opened elsewhere. */
  async place(): Promise<Place> {
    const isStandbys = this.reading?.from === 'standby';
    const { url, pool } = (isStandbys ? this.#standby : undefined) ?? this.#connected;
    return { url, giveBack: await lentPlace(pool) };
  }

  /** After everybody else has finished with it. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#state = { kind: 'down', reason: 'the bridge is stopping', code: undefined };
    this.#session.reject(this.#unavailable());
    await inTime(this.#connection?.client.$disconnect());
    if (this.#connection?.pool.ending === false) await inTime(this.#connection.pool.end());
    await inTime(this.#standby?.close());
    await this.#embedded?.stop();
    await this.#running;
  }

  get #isReady(): boolean {
    return this.#state.kind === 'ready';
  }

  get #connected(): Connection {
    if (this.#connection === undefined) throw this.#unavailable();
    return this.#connection;
  }

  #unavailable(): DatabaseError {
    const reason = this.#state.kind === 'down' ? this.#state.reason : 'it is starting';
    return new DatabaseError('unavailable', `the database is not available: ${reason}`);
  }

  /** Rejects when the database goes away, told by a connection that does little else. */
  async #attend(isUp: () => void): Promise<void> {
    const { signal } = this.#closing;
    const url = (await this.#embedded?.start()) ?? this.#options.url ?? '';
    const directUrl = this.#options.directUrl ?? url;
    const migrations = await readMigrations();
    const ahead = (names: readonly string[]): void => {
      this.#options.log.log(`a later version has added to the database: ${names.join(', ')}`);
    };
    const applied = await migrate(directUrl, { migrations, signal, ahead });
    if (applied.length > 0) this.#options.log.log(`migrated the database: ${applied.join(', ')}`);
    this.#connection ??= connectionTo(url, this.shares.questions);
    const session = await DirectSession.open(directUrl);
    try {
      for (const [channel, heard] of this.#listeners) await session.listen(channel, heard);
      this.#becomeReady(session);
      isUp();
      await this.#watch(session, migrations);
    } finally {
      if (!signal.aborted && this.#isReady) this.#session = newSession();
      await session.close();
    }
  }

  /** A later version may take away what this one needs while it is at work. */
  async #watch(session: DirectSession, migrations: readonly Migration[]): Promise<void> {
    const standby = this.#standby;
    standby?.forgetPrimary();
    const look = async (client: ClientBase): Promise<void> => {
      await requireCompatible(client, migrations);
      await standby?.notePrimary(client);
    };
    const everyMs = standby === undefined ? PING_MS : LOOK_MS;
    await session.watch(look, everyMs, this.#closing.signal);
  }

  #becomeReady(session: DirectSession): void {
    if (this.#closing.signal.aborted) return;
    this.#state = { kind: 'ready' };
    this.#options.log.log('the database is ready');
    this.#firstReady.resolve();
    this.#session.resolve(session);
    for (const heard of this.#listeners.values()) heard('');
  }

  /** Said once per reason, however often it is tried. Answers how long to wait when time does not mend it. */
  #becomeDown(error: unknown): number | undefined {
    const reason = reasonOf(error);
    const code = error instanceof DatabaseError ? error.code : undefined;
    const isFirst = this.#state.kind === 'starting';
    if (isFirst && error instanceof DatabaseError && code === 'encoding') {
      this.#refused.resolve(error);
    }
    if (this.#state.kind !== 'down' || this.#state.reason !== reason) {
      this.#options.log.warn(`the database is not available: ${reason}`);
    }
    this.#state = { kind: 'down', reason, code };
    return code !== undefined && STUBBORN.has(code) ? STUBBORN_RETRY_MS : undefined;
  }

  #logServer(line: string): void {
    if (/^(WARNING|ERROR|FATAL|PANIC):/.test(line)) this.#options.log.warn(`postgres: ${line}`);
    else this.#options.log.debug(`postgres: ${line}`);
  }
}

function connectionTo(url: string, max: number): Connection {
  const pool = createPool(url, { max });
  return { url, pool, client: prismaOn(pool) };
}

function newSession(): PromiseWithResolvers<DirectSession> {
  const session = Promise.withResolvers<DirectSession>();
  // Nobody may be waiting for it when there will be none any more.
  session.promise.catch(() => undefined);
  return session;
}

async function inTime(leaving: Promise<void> | undefined): Promise<void> {
  await Promise.race([leaving, delay(LEAVE_MS, undefined, { ref: false })]);
}
