import { PrismaPg } from '@prisma/adapter-pg';
import type { Pool } from 'pg';
import { PrismaClient } from '../../generated/prisma/client.ts';
import { LIMITS, TRANSACTION_WAIT_MS, type Limits } from './limits.ts';
import { createPool } from './pool.ts';
import { settings } from './session.ts';

export interface ClientOptions {
  /** How many connections at most; they are opened when needed. */
  readonly poolMax: number;
  /** Those that differ from what is right for questions and housekeeping. */
  readonly limits?: Partial<Limits>;
}

/** With a pool of its own, which `$disconnect` closes. Opens nothing yet: the first query does. */
export function createPrismaClient(url: string, { poolMax, limits }: ClientOptions): PrismaClient {
  const all = { ...LIMITS, ...limits };
  const pool = createPool(url, { max: poolMax, limits: all });
  return clientFrom(new LimitedPg(pool, all, { disposeExternalPool: true }), all);
}

/** On a pool that others may be on too, with other limits, and that stays open. */
export function prismaOn(pool: Pool, limits: Limits = LIMITS): PrismaClient {
  return clientFrom(new LimitedPg(pool, limits), limits);
}

function clientFrom(adapter: LimitedPg, { transactionMs }: Limits): PrismaClient {
  const transactionOptions = { timeout: transactionMs, maxWait: TRANSACTION_WAIT_MS };
  return new PrismaClient({ adapter, transactionOptions });
}

type Adapter = Awaited<ReturnType<PrismaPg['connect']>>;
type Transaction = Awaited<ReturnType<Adapter['startTransaction']>>;

/** Prisma's adapter, with transactions that know their limits. Single statements know those of the pool. */
class LimitedPg extends PrismaPg {
  readonly #settings: string;

  constructor(pool: Pool, limits: Limits, options?: ConstructorParameters<typeof PrismaPg>[1]) {
    super(pool, options);
    this.#settings = settings(limits);
  }

  override async connect(): Promise<Adapter> {
    const adapter = await super.connect();
    const begin = adapter.startTransaction.bind(adapter);
    adapter.startTransaction = async (isolation) => limited(await begin(isolation), this.#settings);
    return adapter;
  }
}

async function limited(transaction: Transaction, sql: string): Promise<Transaction> {
  try {
    await transaction.executeRaw({ sql, args: [], argTypes: [] });
    return transaction;
  } catch (error) {
    // On a connection that is lost there is nothing left to undo, and it does not go back to the pool.
    await transaction
      .executeRaw({ sql: 'ROLLBACK', args: [], argTypes: [] })
      .catch(() => undefined);
    await transaction.rollback();
    throw error;
  }
}
