/** Ids begin with their time, so between two of them are those of a time. */
export interface IdSpan {
  readonly first: string;
  readonly last: string;
}

/** Undefined of nothing. */
export function idSpan(rows: readonly { readonly id: string }[]): IdSpan | undefined {
  const [row] = rows;
  if (row === undefined) return undefined;
  let { id: first } = row;
  let last = first;
  for (const { id } of rows) {
    if (id < first) first = id;
    if (id > last) last = id;
  }
  return { first, last };
}
