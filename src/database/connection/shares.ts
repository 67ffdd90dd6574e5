/** How many connections each part of the process may have; `session` is one more, all by itself. */
export interface Shares {
  /** For questions and exports together. */
  readonly questions: number;
  /** How many of these exports may have at once. */
  readonly exports: number;
  /** For records on their way into the database, and what looks after them. */
  readonly writer: number;
  /** For records that take long. */
  readonly late: 1;
}

/** Listens, watches and tells of keys. Also that of a migration, which comes before it. */
const SESSION = 1;
const LATE = 1;
/** Two that carry records and say that the process lives, where there are enough; one that looks after records. */
const WRITER_MAX = 3;

/**
 * Divides the connections that a process may have. Whatever they are asked for, there are never
 * more: who finds all of a share taken waits for one.
 */
export function sharesOf(connections: number): Shares {
  const shared = connections - SESSION - LATE;
  const writer = Math.min(WRITER_MAX, shared - 2);
  const questions = shared - writer;
  return { questions, exports: Math.ceil(questions / 2), writer, late: LATE };
}
