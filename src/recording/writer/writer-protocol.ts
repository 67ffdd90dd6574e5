import type { Grain } from '../partitions/partition-plan.ts';
import type { Keeping } from './kept-tail.ts';

/** What the main thread and the writer's thread say to one another. */
export interface WriterStart {
  readonly databaseUrl: string;
  /** How many connections the thread may have: in all, and beside these for records that take long. */
  readonly connections: { readonly writer: number; readonly late: number };
  readonly journalRoot: string;
  readonly instance: { readonly id: string; readonly version: string; readonly host: string };
  readonly progressMemory: SharedArrayBuffer;
  readonly keeping: Keeping;
  /** How much of the tables lies together. */
  readonly partitions: Grain;
  /** How long records, their texts, and the totals of single people are kept; 0: for ever. */
  readonly retention: {
    readonly recordsMs: number;
    readonly textsMs: number;
    readonly usageMs: number;
  };
}

/** What should never happen to a journal, and is told when it does. */
export const FAULTS = [
  'missing_segment',
  'end_without_start',
  'damaged_line',
  'set_aside',
] as const;
export type Fault = (typeof FAULTS)[number];

/** What the thread says. */
export type WriterMessage =
  | ({ readonly kind: 'report' } & WriterReport)
  | { readonly kind: 'fault'; readonly fault: Fault }
  /** What a dead process has left is being stored, or not any longer. */
  | { readonly kind: 'adopting'; readonly instanceId: string; readonly isUnderWay: boolean };

export type WriterReport = {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, string | number>>;
};

/** Sent to the thread: carry over what is flushed by now, then end. */
export const STOP = 'stop';
