import { isObject } from '../core/json.ts';

const NESTED_IN = ['cause', 'meta', 'driverAdapterError'];
const DEPTH_MAX = 5;
/** Of Prisma, of PostgreSQL (class 08, an administrator's shutdown, too many clients) and of Node. */
const CODE = /^(P1001|P1002|P1008|P1017|P2024|08...|57P0[123]|53300|ECONN\w+|EPIPE|ETIMEDOUT)$/;
/** What pg says when a connection goes without a code. */
const MESSAGE = /Connection terminated|timeout exceeded when trying to connect/;

/** Whether a query failed because the database went away, which nobody was told of yet. */
export function isConnectionFailure(error: unknown, depth = 0): boolean {
  if (!isObject(error) || depth > DEPTH_MAX) return false;
  const codes = [error['originalCode'], error['code']];
  if (codes.some((code) => typeof code === 'string' && CODE.test(code))) return true;
  if (typeof error['message'] === 'string' && MESSAGE.test(error['message'])) return true;
  return NESTED_IN.some((name) => isConnectionFailure(error[name], depth + 1));
}
