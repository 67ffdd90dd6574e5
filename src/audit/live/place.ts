/**
 * What one look at the database sees: what was written by all transactions below `end` but those
 * that were still running.
 */
export interface Snapshot {
  readonly end: bigint;
  /** In ascending order. */
  readonly running: readonly bigint[];
}

/** What the endings are in the order of. */
export interface EndingKey {
  readonly transaction: bigint;
  readonly position: bigint;
}

/** Up to where a reader has seen the endings. */
export interface Place {
  /** All that this snapshot sees. */
  readonly seen: Snapshot;
  /** And of one transaction that it does not see, what comes up to here: the rest of it is next. */
  readonly last?: EndingKey;
}

const SNAPSHOT = /^\d+:(\d+):((?:\d+(?:,\d+)*)?)$/;

/** From the text of a `pg_snapshot`: `xmin:xmax:xip,xip,…`. */
export function parseSnapshot(text: string): Snapshot {
  const [, end, running = ''] = SNAPSHOT.exec(text) ?? [];
  if (end === undefined) throw new Error(`no snapshot of PostgreSQL's: ${text}`);
  return { end: BigInt(end), running: running === '' ? [] : running.split(',').map(BigInt) };
}

/**
 * Where a reader is that had come to a place and was then shown what else a snapshot sees, up to one
 * ending: the rest of a transaction that it had seen a part of, and the others in order. Those before
 * the one that it is at now are as this snapshot sees them, the others as it was before. So it does
 * not matter when the rest is asked for, and whatever has become visible by then is in it.
 */
export function placeAfter(before: Place, now: Snapshot, last: EndingKey): Place {
  const { transaction } = last;
  if (before.last?.transaction === transaction) return { seen: before.seen, last };
  const { end, running } = withLast(before);
  return {
    seen: {
      end: end > transaction ? end : transaction,
      running: [
        ...now.running.filter((each) => each < transaction),
        ...running.filter((each) => each >= transaction),
      ],
    },
    last,
  };
}

/** A transaction that is seen in part was running, or was the next one to come. */
function withLast({ seen: { end, running }, last }: Place): Snapshot {
  return {
    end: last?.transaction === end ? end + 1n : end,
    running: running.filter((each) => each !== last?.transaction),
  };
}

/** Endings that a reader has not seen may have been purged: of this transaction, or an earlier one. */
export function mayLack({ seen }: Place, purgedTo: bigint): boolean {
  return (seen.running[0] ?? seen.end) <= purgedTo;
}

/**
 * The database has not come as far as a reader has: it is another one, or one that has lost its last
 * transactions and gives their numbers to others.
 */
export function isAhead({ seen, last }: Place, now: Snapshot): boolean {
  return seen.end > now.end || (last !== undefined && last.transaction >= now.end);
}
