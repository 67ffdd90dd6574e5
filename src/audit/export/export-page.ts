import { csvLine } from './csv.ts';
import type { Interception } from '../interceptions/interception-shape.ts';

export type ExportFormat = 'ndjson' | 'csv';

/** A statement that answers lines, newest first. */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** An interception as a line of JSON. */
export interface ExportedLine {
  readonly id: string;
  readonly line: string;
}

export interface ExportedPage {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly count: number;
  readonly lastId: string | undefined;
}

const encoder = new TextEncoder();

export const NOTHING_EXPORTED: ExportedPage = {
  bytes: new Uint8Array(),
  count: 0,
  lastId: undefined,
};

export function exportedPage(rows: readonly ExportedLine[], format: ExportFormat): ExportedPage {
  const lines = rows.map(({ line }) => (format === 'csv' ? csvOf(line) : `${line}\n`));
  return {
    bytes: encoder.encode(lines.join('')),
    count: rows.length,
    lastId: rows.at(-1)?.id,
  };
}

function csvOf(line: string): string {
  const record: Interception = JSON.parse(line);
  return csvLine(record);
}
