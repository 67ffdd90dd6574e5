/**
 * How the database writes a shape of the API: for each member an SQL expression, or the shape of an
 * object. A member that the type has and this has not does not compile.
 */
export type Shape<T> = {
  readonly [Name in keyof T]-?: string | (T[Name] extends object ? Shape<T[Name]> : never);
};

/** An expression for the object as JSON, its members in the order of the shape, without blanks. */
export function jsonOf<T>(shape: Shape<T>): string {
  const members = Object.entries<unknown>(shape).map(
    ([name, member]) =>
      `${typeof member === 'string' ? member : jsonOf(Object(member))} AS "${name}"`,
  );
  return `(SELECT to_json(o) FROM (SELECT ${members.join(', ')}) AS o)`;
}

/** The rows of a table of children of `i`, each called `c`, as a JSON array. */
export function jsonRowsOf<T>(table: string, order: string, shape: Shape<T>): string {
  return `(SELECT coalesce(json_agg(${jsonOf(shape)} ORDER BY ${order}), '[]')
    FROM ${table} AS c WHERE c.interception_id = i.id)`;
}

/** ISO 8601 in UTC, to the millisecond. */
export function jsonTime(column: string): string {
  return `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
