/** What the main thread and the writer's thread say to one another. */
export interface WriterStart {
  readonly databaseUrl: string;
  readonly journalRoot: string;
  readonly instance: { readonly id: string; readonly version: string; readonly host: string };
  readonly progressMemory: SharedArrayBuffer;
  /** How long records and their texts are kept; 0: for ever. */
  readonly retention: { readonly recordsMs: number; readonly textsMs: number };
}

export type WriterReport = {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, string | number>>;
};

/** Sent to the thread: carry over what is flushed by now, then end. */
export const STOP = 'stop';
