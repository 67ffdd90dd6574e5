import type { ClientBase, Pool } from 'pg';
import { keptUp } from '../core/kept-up.ts';
import type { PrismaClient } from '../generated/prisma/client.ts';
import { reasonOf } from './connection/database-error.ts';
import { DirectSession } from './connection/direct-session.ts';
import { createPool } from './connection/pool.ts';
import { prismaOn } from './connection/prisma-client.ts';
import { ReplayLag } from './connection/replay-lag.ts';

export interface StandbyOptions {
  readonly url: string;
  /** For questions; one more looks after the standby. */
  readonly connections: number;
  readonly log: { log(line: string): void; warn(line: string): void };
  readonly random: () => number;
}

const PAUSES = { minMs: 250, maxMs: 10_000 };
export const LOOK_MS = 1_000;

/** In bytes, as text: no number in JavaScript's sense. */
const WRITTEN = `SELECT (pg_current_wal_lsn() - '0/0')::text AS position`;
const REPLAYED = `SELECT pg_is_in_recovery() AS standby,
  CASE WHEN pg_is_in_recovery() THEN (pg_last_wal_replay_lsn() - '0/0')::text END AS position`;

/** A copy of the database that follows it, for questions: sooner or later there, possibly away for a while. */
export class Standby {
  readonly url: string;
  readonly pool: Pool;
  readonly client: PrismaClient;
  readonly #options: StandbyOptions;
  readonly #closing = new AbortController();
  readonly #lag = new ReplayLag();
  #running: Promise<void> | undefined;
  #isThere = false;
  #saidReason: string | undefined;

  constructor(options: StandbyOptions) {
    this.#options = options;
    this.url = options.url;
    this.pool = createPool(options.url, { max: options.connections });
    this.client = prismaOn(this.pool);
  }

  /** Returns at once. */
  open(): void {
    this.#running ??= keptUp((isUp) => this.#attend(isUp), {
      signal: this.#closing.signal,
      pauses: { ...PAUSES, random: this.#options.random },
      failed: (error) => this.#becomeAway(error),
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#isThere = false;
    await this.client.$disconnect();
    if (!this.pool.ending) await this.pool.end();
    await this.#running;
  }

  /** How far it is behind at most. Undefined while it is away, or too new to tell. */
  get behindMs(): number | undefined {
    return this.#isThere ? this.#lag.behindMs(performance.now()) : undefined;
  }

  /** The primary is another one, perhaps. */
  forgetPrimary(): void {
    this.#lag.forget();
  }

  /** Notes how far the primary is, by a connection to it. */
  async notePrimary(client: ClientBase): Promise<void> {
    const askedMs = performance.now();
    const { rows } = await client.query<{ position: string }>(WRITTEN);
    this.#lag.written(BigInt(rows[0]?.position ?? 0), askedMs);
  }

  async #attend(isUp: () => void): Promise<void> {
    const session = await DirectSession.open(this.#options.url);
    try {
      await session.transaction((client) => this.#look(client));
      this.#becomeThere();
      isUp();
      await session.watch((client) => this.#look(client), LOOK_MS, this.#closing.signal);
    } finally {
      this.#isThere = false;
      await session.close();
    }
  }

  async #look(client: ClientBase): Promise<void> {
    const { rows } = await client.query<{ standby: boolean; position: string | null }>(REPLAYED);
    const [row] = rows;
    // One that was promoted goes its own way, which need not be the way of the primary.
    if (row?.standby !== true) throw new Error('it is no standby');
    this.#lag.replayed(BigInt(row.position ?? 0));
  }

  #becomeThere(): void {
    this.#isThere = true;
    this.#saidReason = undefined;
    this.#options.log.log('the standby answers questions');
  }

  /** Said once per reason, however often it is tried. */
  #becomeAway(error: unknown): undefined {
    const reason = reasonOf(error);
    if (this.#saidReason === reason) return;
    this.#saidReason = reason;
    this.#options.log.warn(`the standby is away, the database itself is asked: ${reason}`);
  }
}
