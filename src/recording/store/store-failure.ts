import { errorText } from '../../core/errors.ts';
import { isObject } from '../../core/json.ts';
import type { StoreFailure } from './record-store.ts';

/** SQLSTATE classes that blame the values: data exception, integrity violation. */
const VALUE_CLASSES = new Set(['22', '23']);
/** A value too large for an index, a row or the protocol. */
const VALUE_CODES = new Set(['54000', '54001']);
const NESTED_IN = ['cause', 'meta', 'driverAdapterError'];
const DEPTH_MAX = 5;
const REASON_LENGTH_MAX = 300;

/**
 * Decides from a database error whether trying again can help. Whatever does not
 * plainly blame the values counts as unavailable: waiting loses nothing.
 */
export function storeFailure(error: unknown): StoreFailure {
  const state = sqlState(error);
  const blamesValues =
    state !== undefined && (VALUE_CLASSES.has(state.slice(0, 2)) || VALUE_CODES.has(state));
  // A message that quotes a value would carry somebody's prompt into the log.
  if (blamesValues) return { kind: 'rejected', reason: `SQLSTATE ${state}` };
  return { kind: 'unavailable', reason: errorText(error).trim().slice(0, REASON_LENGTH_MAX) };
}

/** The five-character SQLSTATE, wherever in the error the driver adapter has put it. */
function sqlState(error: unknown, depth = 0): string | undefined {
  if (!isObject(error) || depth > DEPTH_MAX) return undefined;
  const own = [error['originalCode'], error['code']].find(isSqlState);
  if (own !== undefined) return own;
  return NESTED_IN.map((name) => sqlState(error[name], depth + 1)).find(isSqlState);
}

/** Prisma's own codes, such as P2010, have the same five characters. */
function isSqlState(code: unknown): code is string {
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^P[12]\d{3}$/.test(code);
}
