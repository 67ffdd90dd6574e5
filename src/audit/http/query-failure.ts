import { isObject, stringAt } from '../../core/json.ts';

/** Why a query failed that was in order: the database went away, or there was too much to read. */
export type QueryFailure = 'connection' | 'timeout';

const NESTED_IN = ['cause', 'meta', 'driverAdapterError'];
const DEPTH_MAX = 5;
/** Of Prisma, of PostgreSQL (class 08, an administrator's shutdown, too many clients) and of Node. */
const CONNECTION =
  /^(P1001|P1002|P1008|P1017|P2024|08...|57P0[123]|53300|ECONN\w+|EPIPE|ETIMEDOUT)$/;
/** What pg says when a connection goes without a code. */
const MESSAGE = /Connection terminated|timeout exceeded when trying to connect/;
/** PostgreSQL has cancelled the statement: nobody else cancels any. */
const CANCELLED = '57014';

/** Undefined: for a fault of ours. */
export function queryFailure(error: unknown, depth = 0): QueryFailure | undefined {
  if (!isObject(error) || depth > DEPTH_MAX) return undefined;
  const codes = [stringAt(error, 'originalCode'), stringAt(error, 'code')];
  if (codes.includes(CANCELLED)) return 'timeout';
  if (codes.some((code) => CONNECTION.test(code ?? ''))) return 'connection';
  if (MESSAGE.test(stringAt(error, 'message') ?? '')) return 'connection';
  for (const name of NESTED_IN) {
    const failure = queryFailure(error[name], depth + 1);
    if (failure !== undefined) return failure;
  }
  return undefined;
}
