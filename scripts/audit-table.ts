/** How a terminal shows a list: the columns that tell something, as wide as they need to be. */
export type Row = Readonly<Record<string, unknown>>;

const CELL_LENGTH_MAX = 40;
/** What could move the cursor or change colours: names and paths are chosen by callers. */
const CONTROL = /\p{Cc}/gu;

/** Columns of what `list` shows; everything else shows what it has. */
const INTERCEPTION: Readonly<Record<string, (row: Row) => unknown>> = {
  started: (row) => row['startedAt'],
  initiator: (row) => at(row, 'initiator', 'id'),
  provider: (row) => at(row, 'provider', 'name'),
  model: (row) => row['model'],
  client: (row) => row['client'],
  status: (row) => at(row, 'error', 'type') ?? row['status'],
  ms: (row) => row['durationMs'],
  in: (row) => at(row, 'tokens', 'input'),
  out: (row) => at(row, 'tokens', 'output'),
  key: (row) => at(row, 'credential', 'hint'),
  tries: (row) => row['attemptCount'],
  id: (row) => row['id'],
};

export function interceptionTable(rows: readonly Row[]): string {
  return table(
    rows.map((row) =>
      Object.fromEntries(Object.entries(INTERCEPTION).map(([name, cell]) => [name, cell(row)])),
    ),
  );
}

export function table(rows: readonly Row[]): string {
  const flat = rows.map((row) => flattened(row));
  const names = [...new Set(flat.flatMap((row) => Object.keys(row)))];
  const lines = [names, ...flat.map((row) => names.map((name) => row[name] ?? ''))];
  const widths = names.map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** Nested facts under the name of both: `tokens.input`. */
function flattened(row: Row, prefix = ''): Record<string, string> {
  return Object.fromEntries(
    Object.entries(row).flatMap(([name, value]) =>
      isRow(value)
        ? Object.entries(flattened(value, `${prefix}${name}.`))
        : [[prefix + name, shown(value)]],
    ),
  );
}

function shown(value: unknown): string {
  const text = Array.isArray(value) ? value.join(', ') : textOf(value);
  const plain = text.replaceAll(CONTROL, ' ');
  return plain.length <= CELL_LENGTH_MAX ? plain : `${plain.slice(0, CELL_LENGTH_MAX - 1)}…`;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === null || value === undefined ? '-' : JSON.stringify(value);
}

function at(row: Row, outer: string, inner: string): unknown {
  const value = row[outer];
  return isRow(value) ? value[inner] : undefined;
}

export function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
