import type { ExportedPage, ExportFormat, Statement } from './export-page.ts';

/** What an export and its thread say to one another. */
export interface ExportStart {
  readonly databaseUrl: string;
  readonly format: ExportFormat;
}

export interface PageRequest extends Statement {
  /** The memory of pages that are written: it came from the thread and goes back there. */
  readonly spent: readonly ArrayBuffer[];
}

export type PageReply =
  | { readonly kind: 'page'; readonly page: ExportedPage }
  | { readonly kind: 'failed'; readonly message: string; readonly code: string | undefined };

/** Sent to the thread: leave the database, then end. */
export const END = 'end';
