import { padded, shortened, widthOf } from './text-width.ts';

/** How a terminal shows a list: the columns that tell something, as wide as they need to be. */
export type Row = Readonly<Record<string, unknown>>;

const CELL_WIDTH_MAX = 40;
/**
 * What could move the cursor, change colours, turn the direction of the line around or hide:
 * names and paths are chosen by callers.
 */
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const TIME = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d+Z$/;

/** Columns of what is a row for each interception; everything else shows what it has. */
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
  const running = new RunningTable(Object.keys(INTERCEPTION));
  const lines = rows.map(interceptionCells);
  running.widen(lines);
  return [running.header(), ...lines.map((line) => running.line(line))].join('');
}

export function interceptionCells(row: Row): string[] {
  return Object.values(INTERCEPTION).map((cell) => shown(cell(row)));
}

/** A table of interceptions that are still to come; a column grows when something longer does. */
export function runningTable(): RunningTable {
  const running = new RunningTable(Object.keys(INTERCEPTION));
  running.widen([
    ['2026-11-21 00:00:00Z', 'somebody@example.com', 'anthropic', 'claude-haiku-4-5-20251001'],
    ['', '', '', '', 'Claude Code', 'completed', '100000', '100000', '10000', 'sk-a...0000'],
  ]);
  return running;
}

export function table(rows: readonly Row[]): string {
  const flat = rows.map((row) => flattened(row));
  const names = [...new Set(flat.flatMap((row) => Object.keys(row)))];
  const running = new RunningTable(names);
  const lines = flat.map((row) => names.map((name) => row[name] ?? ''));
  running.widen(lines);
  return [running.header(), ...lines.map((line) => running.line(line))].join('');
}

class RunningTable {
  readonly #names: readonly string[];
  #widths: readonly number[];

  constructor(names: readonly string[]) {
    this.#names = names;
    this.#widths = names.map(widthOf);
  }

  widen(lines: readonly (readonly string[])[]): void {
    this.#widths = this.#widths.map((width, column) =>
      Math.max(width, ...lines.map((line) => widthOf(line[column] ?? ''))),
    );
  }

  header(): string {
    return this.line(this.#names);
  }

  line(cells: readonly string[]): string {
    this.widen([cells]);
    const text = cells.map((cell, column) => padded(cell, this.#widths[column] ?? 0)).join('  ');
    return `${text.trimEnd()}\n`;
  }
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
  return shortened(plain(text), CELL_WIDTH_MAX);
}

/** Nothing but what can be seen. */
export function plain(text: string): string {
  return text.replace(TIME, '$1 $2Z').replaceAll(CONTROL, ' ');
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
