import { PrismaPg } from '@prisma/adapter-pg';
import { Pool, type PoolClient } from 'pg';
import { impatientSocket, SESSION, SILENCE_MS } from './session.ts';
import { PrismaClient } from '../../generated/prisma/client.ts';

export interface ClientOptions {
  /** How many connections at most; they are opened when needed. */
  readonly poolMax: number;
  /** A server that is silent for this long has gone without a word; default: longer than any statement takes. */
  readonly silenceMs?: number;
}

const CONNECT_TIMEOUT_MS = 5_000;

/** Opens nothing yet: the first query does. `$disconnect` closes every connection. */
export function createPrismaClient(
  url: string,
  { poolMax, silenceMs = SILENCE_MS }: ClientOptions,
): PrismaClient {
  const pool = new Pool({
    connectionString: url,
    max: poolMax,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'aibridge',
    stream: () => impatientSocket(silenceMs),
    verify: prepareSession,
  });
  return new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: true }) });
}

function prepareSession(client: PoolClient, done: (error?: Error) => void): void {
  client.query(SESSION, (error) => done(error));
}
