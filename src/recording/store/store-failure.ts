import { errorParts } from '../../core/error-parts.ts';
import { errorText } from '../../core/errors.ts';
import { WRITTEN_COLUMNS } from './prisma-written-columns.ts';
import type { StoreFailure } from './record-store.ts';

/** SQLSTATE class that blames the values. */
const VALUE_CLASS = '22';
/** A value too large for an index, a row or the protocol. */
const VALUE_CODES = new Set(['54000', '54001']);
/**
 * A value that is missing. It is to blame in a column that this version writes; one that a later version
 * has added, or any other constraint, is nothing that the record could do about: it waits for that version.
 */
const NULL_VALUE = '23502';
/** The statement timeout. A lock that was waited for too long has a code of its own: others are busy. */
const STATEMENT_TIMEOUT = '57014';
/** Prisma's for the time of a transaction, be it that it never began. */
const TRANSACTION_TIMEOUT = { code: 'P2028', message: /expired transaction/ };
/** Of a check; no table has one but that of its partitions, that a row fits one of them. */
const NO_PARTITION = '23514';
const REASON_LENGTH_MAX = 300;

/** An end that has no start to belong to. */
export class UnstartedError extends Error {
  override readonly name = 'UnstartedError';

  constructor(readonly ids: readonly string[]) {
    super('the start of what has ended is not known');
  }
}

/**
 * Decides from a database error whether trying again can help. Whatever does not
 * plainly blame the values counts as unavailable: waiting loses nothing.
 */
export function storeFailure(error: unknown): StoreFailure {
  if (error instanceof UnstartedError) {
    return { kind: 'unstarted', reason: error.message, ids: error.ids };
  }
  if (isTooLong(error)) return { kind: 'rejected', reason: 'longer than can be sent' };
  const state = sqlState(error);
  // A message that quotes a value would carry somebody's prompt into the log.
  if (state !== undefined && blamesValues(state, error))
    return { kind: 'rejected', reason: `SQLSTATE ${state}` };
  const reason = errorText(error).trim().slice(0, REASON_LENGTH_MAX);
  if (state === STATEMENT_TIMEOUT || isTransactionTimeout(error)) return { kind: 'slow', reason };
  return { kind: state === undefined ? 'unanswered' : 'unavailable', reason };
}

/** What was read as one string may be none any more when it is written out for the database. */
function isTooLong(error: unknown): boolean {
  return error instanceof RangeError && /string length/.test(error.message);
}

function blamesValues(state: string, error: unknown): boolean {
  if (state === NULL_VALUE) return WRITTEN_COLUMNS.has(columnIn(error));
  return state.startsWith(VALUE_CLASS) || VALUE_CODES.has(state);
}

/** In PostgreSQL's words, which quote no value; named as in the generated client. */
function columnIn(error: unknown): string {
  const column = /null value in column \\*"(\w+)/.exec(errorText(error))?.[1] ?? '';
  return column.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** A row is of a time of which there is no partition. */
export function lacksPartition(error: unknown): boolean {
  return sqlState(error) === NO_PARTITION;
}

function isTransactionTimeout(error: unknown): boolean {
  const { code, message } = TRANSACTION_TIMEOUT;
  return (
    error instanceof Error && 'code' in error && error.code === code && message.test(error.message)
  );
}

/** The five-character SQLSTATE, wherever in the error the driver adapter has put it. */
function sqlState(error: unknown): string | undefined {
  for (const { originalCode, code } of errorParts(error)) {
    const own = [originalCode, code].find(isSqlState);
    if (own !== undefined) return own;
  }
  return undefined;
}

/** Prisma's own codes, such as P2010, have the same five characters. */
function isSqlState(code: unknown): code is string {
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^P[12]\d{3}$/.test(code);
}
