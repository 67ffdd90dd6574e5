/*
 * How long the bridge waits for the database: every limit, in one place, so that none of a library
 * is in force unseen. Each is longer than those above it, or what is further out would hide why.
 */

/** For a connection: a new one, or one of the pool that others are done with. */
export const CONNECT_MS = 5_000;
/** An idle connection is closed long before its silence counts. */
export const POOL_IDLE_MS = 10_000;
/** For a connection that housekeeping waits for: a batch of records may have it for as long as that. */
export const PATIENT_CONNECT_MS = 20_000;
/** For Prisma to begin a transaction; the pool gives up first, and says more. */
export const TRANSACTION_WAIT_MS = 2 * PATIENT_CONNECT_MS;

export interface Limits {
  /** For a lock. Shorter than for a statement, so that whoever waits for another is known from who is slow. */
  readonly lockMs: number;
  /** For one statement; 0: as long as it takes. */
  readonly statementMs: number;
  /** For all statements of one transaction. */
  readonly transactionMs: number;
  /** A server that is silent for longer has gone without a word: longer than any statement takes. */
  readonly silenceMs: number;
}

/** Of questions and housekeeping. */
export const LIMITS: Limits = {
  lockMs: 30_000,
  statementMs: 60_000,
  transactionMs: 60_000,
  silenceMs: 75_000,
};

/** Of a batch of records, which can be halved when it takes longer. */
export const BATCH_LIMITS: Limits = { ...LIMITS, lockMs: 10_000, statementMs: 20_000 };

/** Of a single record that takes longer than a batch may. */
export const LATE_LIMITS: Limits = {
  lockMs: LIMITS.lockMs,
  statementMs: 0,
  transactionMs: 30 * 60_000,
  silenceMs: 31 * 60_000,
};
