import { errorParts } from '../../core/error-parts.ts';
import { stringAt } from '../../core/json.ts';

/** Why a query failed that was in order: the database went away, or there was too much to read. */
export type QueryFailure = 'connection' | 'timeout';

/** Of Prisma, of PostgreSQL (class 08, an administrator's shutdown, too many clients) and of Node. */
const CONNECTION =
  /^(P1001|P1002|P1008|P1017|P2024|08...|57P0[123]|53300|ECONN\w+|EPIPE|ETIMEDOUT)$/;
/** What the driver adapter makes of Node's codes: all that is left of them when the question was raw. */
const KINDS = new Set(['ConnectionClosed', 'DatabaseNotReachable', 'SocketTimeout']);
/** What pg says when a connection goes, or has gone, without a code. */
const MESSAGE =
  /Connection terminated|timeout exceeded when trying to connect|connection error and is not queryable/;
/** PostgreSQL has cancelled the statement: nobody else cancels any. */
const CANCELLED = '57014';

/** Undefined: for a fault of ours. */
export function queryFailure(error: unknown): QueryFailure | undefined {
  for (const part of errorParts(error)) {
    const codes = [stringAt(part, 'originalCode'), stringAt(part, 'code')];
    if (codes.includes(CANCELLED)) return 'timeout';
    if (codes.some((code) => CONNECTION.test(code ?? ''))) return 'connection';
    if (KINDS.has(stringAt(part, 'kind') ?? '')) return 'connection';
    if (MESSAGE.test(stringAt(part, 'message') ?? '')) return 'connection';
  }
  return undefined;
}
