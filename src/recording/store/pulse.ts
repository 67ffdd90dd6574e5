/** How long a process may be silent before another one concludes that it is dead. */
export const SILENCE_MS = 30_000;
/** Own heartbeats further apart than this were not just late. */
const GAP_MS = 15_000;

/**
 * Whether this process may judge the silence of others. While it could not reach
 * the database itself, perhaps nobody could: after such a gap the others are given
 * as much time to be heard as a silence lasts.
 */
export class Pulse {
  #lastMs: number | undefined;
  #judgesFromMs = 0;

  /** Told of every heartbeat that the database took, in monotonic time. */
  beat(nowMs: number): boolean {
    if (this.#lastMs !== undefined && nowMs - this.#lastMs > GAP_MS) {
      this.#judgesFromMs = nowMs + SILENCE_MS;
    }
    this.#lastMs = nowMs;
    return nowMs >= this.#judgesFromMs;
  }
}
