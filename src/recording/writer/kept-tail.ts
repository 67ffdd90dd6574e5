import { waited } from '../../core/waited.ts';
import type { JournalProgress } from '../journal/journal-progress.ts';
import type { JournalReader } from '../journal/journal-reader.ts';

export interface Keeping {
  /** How long what the store has taken stays in the journal. */
  readonly keepMs: number;
  /** How large the journal may be with it, and with all that is elsewhere on the disk. */
  readonly bytesMax: number;
}

/** For one process that leaves its journal to nobody, or a journal that nobody adds to. */
export const KEEP_NOTHING: Keeping = { keepMs: 0, bytesMax: Infinity };

interface Committed {
  position: number;
  /** When the first of it was, and the last. */
  readonly sinceMs: number;
  untilMs: number;
}

/** What is committed within so long of each other goes together. */
const GRAIN_MS = 1_000;
const TRIM_MS = 500;
/** Of `bytesMax`, so that a segment that is only partly in the way still fits. */
const ROOM_SHARE = 7 / 8;

/**
 * How far the end of a journal may go that the store has: a database that fails over to a standby may
 * come back without what it took last. The time counts as long as the store is seen to have it: while
 * nobody can tell, everything stays. Whenever there is no room, what the store has gives way.
 */
export class KeptTail {
  readonly #keeping: Keeping;
  /** Oldest first. */
  #committed: Committed[] = [];
  #seenMs = -Infinity;
  /** How far the store is. */
  #position = 0;
  /** How far it has been for so long that nothing below is worth keeping. */
  #settled = 0;

  constructor(keeping: Keeping) {
    this.#keeping = keeping;
  }

  /** The store has all up to here. */
  reached(position: number, nowMs: number): void {
    this.#seenMs = nowMs;
    this.#position = position;
    const newest = this.#committed.at(-1);
    if (newest !== undefined && nowMs - newest.sinceMs < GRAIN_MS) {
      newest.position = position;
      newest.untilMs = nowMs;
    } else {
      this.#committed.push({ position, sinceMs: nowMs, untilMs: nowMs });
    }
    this.#forgetOld();
  }

  /** The store still has all that it had. */
  seen(nowMs: number): void {
    this.#seenMs = nowMs;
    this.#forgetOld();
  }

  /** The store has no more than up to here. */
  fellBack(position: number): void {
    this.#committed = this.#committed.filter((each) => each.position <= position);
    this.#position = position;
    this.#settled = Math.min(this.#settled, position);
  }

  /** What lies below may be deleted. */
  end(progress: JournalProgress): number {
    if (progress.takeRoomWanted()) return this.#position;
    const room = Math.max(0, this.#keeping.bytesMax * ROOM_SHARE - progress.bytesElsewhere);
    const inTheWay = progress.flushedPosition - room;
    return Math.min(this.#position, Math.max(this.#settled, inTheWay));
  }

  #forgetOld(): void {
    const oldMs = this.#seenMs - this.#keeping.keepMs;
    const young = this.#committed.findIndex(({ untilMs }) => untilMs > oldMs);
    const old = this.#committed.splice(0, young < 0 ? this.#committed.length : young);
    this.#settled = old.at(-1)?.position ?? this.#settled;
  }
}

/** Beside the carrying, which may have to wait for the store while the disk gets full. */
export async function trimmed(
  tail: KeptTail,
  reader: JournalReader,
  progress: JournalProgress,
  over: AbortSignal,
): Promise<void> {
  for (;;) {
    const isLast = over.aborted;
    progress.deleted(await reader.deleteBelow(tail.end(progress)));
    if (isLast) return;
    await waited(TRIM_MS, over);
  }
}
