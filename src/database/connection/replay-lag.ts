/** Enough for the time after which a standby counts as away. */
const MOMENTS_MAX = 600;

interface Moment {
  /** In bytes since the beginning of the write-ahead log. */
  readonly position: bigint;
  atMs: number;
}

/**
 * How far a standby is behind: since when the primary has had something that the standby does not
 * show yet. Told from positions in the log, as the standby's own account of time goes wrong with its
 * clock, with a primary that is idle, and when it hears nothing of the primary any more.
 */
export class ReplayLag {
  /** Oldest first; of the newest position that the standby has, and those after it. */
  #moments: Moment[] = [];
  #shownMs: number | undefined;

  /** The primary had come to this position at that time, or a little later. */
  written(position: bigint, atMs: number): void {
    const newest = this.#moments.at(-1);
    if (newest?.position === position) newest.atMs = atMs;
    else this.#moments.push({ position, atMs });
    if (this.#moments.length > MOMENTS_MAX) this.#moments.shift();
  }

  /** The standby shows what the primary had at this position. */
  replayed(position: bigint): void {
    const newest = this.#moments.findLastIndex((moment) => moment.position <= position);
    if (newest < 0) return;
    this.#moments.splice(0, newest);
    this.#shownMs = this.#moments[0]?.atMs;
  }

  /** Another primary, and maybe another history: nothing is known of the standby. */
  forget(): void {
    this.#moments = [];
    this.#shownMs = undefined;
  }

  /** At most; undefined while that cannot be told. */
  behindMs(nowMs: number): number | undefined {
    return this.#shownMs === undefined ? undefined : Math.max(0, nowMs - this.#shownMs);
  }
}
