/** What an export and its thread say to one another. */
export interface ExportStart {
  readonly databaseUrl: string;
  readonly format: 'ndjson' | 'csv';
}

/** A statement that answers (id, line), newest first. */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

export interface PageRequest extends Statement {
  /** The memory of a page that is written: it came from the thread and goes back there. */
  readonly spent: readonly ArrayBuffer[];
}

export interface ExportedPage {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly count: number;
  readonly lastId: string | undefined;
  readonly readMs: number;
}

export type PageReply =
  | { readonly kind: 'page'; readonly page: ExportedPage }
  | { readonly kind: 'failed'; readonly message: string; readonly code: string | undefined };
