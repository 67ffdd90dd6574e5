import { isObject, type JsonObject } from './json.ts';

/** Where Prisma and its driver adapter put what the driver has said. */
const NESTED_IN = ['cause', 'meta', 'driverAdapterError'];
const DEPTH_MAX = 5;

/** A thrown object and those that it wraps, outermost first. */
export function* errorParts(error: unknown, depth = 0): Generator<JsonObject> {
  if (!isObject(error) || depth > DEPTH_MAX) return;
  yield error;
  for (const name of NESTED_IN) yield* errorParts(error[name], depth + 1);
}
