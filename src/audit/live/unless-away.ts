import { DatabaseError } from '../../database/index.ts';
import { queryFailure } from '../http/query-failure.ts';

/** Undefined while the database is away: who follows what ends asks again, and nothing is lost. */
export async function unlessAway<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof DatabaseError || queryFailure(error) !== undefined) return undefined;
    throw error;
  }
}
