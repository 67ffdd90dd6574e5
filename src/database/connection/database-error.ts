import { errorParts } from '../../core/error-parts.ts';

/**
 * - `unavailable`: down, or not up yet; the audit API answers 503
 * - `unsupported`: the server is too old
 * - `encoding`: the database cannot hold every text; a bridge that finds this at its start does not run
 * - `newer`: a later version of this program has changed the schema
 * - `migration_failed`: the schema could not be brought up to date
 * - `embedded`: the embedded server cannot be run here
 */
export type DatabaseErrorCode =
  'unavailable' | 'unsupported' | 'encoding' | 'newer' | 'migration_failed' | 'embedded';

/** What an operator reads about the database: one line that says what to do. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  readonly code: DatabaseErrorCode;

  constructor(code: DatabaseErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A failure in one line. A refused connection is an AggregateError, whose own message is empty. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return reasonOf(error.errors[0]);
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().replaceAll(/\s*\n\s*/g, ' ');
}

/** By PostgreSQL, as it took too long: nobody else cancels any. */
const CANCELLED = '57014';

/** Whether a statement was cancelled, wherever in the error Prisma has put that. */
export function isCancelled(error: unknown): boolean {
  return [...errorParts(error)].some(
    ({ originalCode, code }) => originalCode === CANCELLED || code === CANCELLED,
  );
}
