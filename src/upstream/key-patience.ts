import type { Clock } from '../core/clock.ts';
import { waited } from '../core/waited.ts';
import type { PoolExhausted } from '../keypool/index.ts';

/** Calls of one provider that wait at a time: each has what it sends in memory. */
const WAITING_MAX = 64;
/** A key may be back sooner than it was said: an operator has reset it, another replica has found it valid. */
const LOOK_MS = 1_000;
/** So that those who wait for the same key do not all come at one moment. */
const JITTER_MS_MAX = 250;

export interface WaitingRoomOptions {
  /** How long each call may wait; 0: none does. */
  readonly waitMsMax: number;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** The calls of one provider that wait for a key instead of being refused. */
export class WaitingRoom {
  readonly options: WaitingRoomOptions;
  #waiting = 0;

  constructor(options: WaitingRoomOptions) {
    this.options = options;
  }

  /** For how long a call waits that has waited so long and finds no key; 0: it is refused. */
  patienceMs({ retryAfterMs }: PoolExhausted, waitedMs = 0): number {
    if (this.#waiting >= WAITING_MAX) return 0;
    return retryAfterMs <= this.options.waitMsMax - waitedMs ? retryAfterMs : 0;
  }

  /** Waits, if there is room; `false` if there is none, or the caller is gone. */
  async wait(ms: number, signal: AbortSignal): Promise<boolean> {
    if (this.#waiting >= WAITING_MAX) return false;
    this.#waiting += 1;
    try {
      return await waited(ms, signal);
    } finally {
      this.#waiting -= 1;
    }
  }
}

/** How much longer one call is willing to wait. */
export class KeyPatience {
  readonly #room: WaitingRoom;
  readonly #signal: AbortSignal;
  #waitedMs = 0;

  constructor(room: WaitingRoom, signal: AbortSignal) {
    this.#room = room;
    this.#signal = signal;
  }

  get waitedMs(): number {
    return this.#waitedMs;
  }

  /** Waits for the key that is back first, or a while of that; `false`: not any longer. */
  async outlasts(exhausted: PoolExhausted): Promise<boolean> {
    const { clock, random } = this.#room.options;
    const patienceMs = this.#room.patienceMs(exhausted, this.#waitedMs);
    if (patienceMs === 0) return false;
    const ms = patienceMs > LOOK_MS ? LOOK_MS : patienceMs + random() * JITTER_MS_MAX;
    const fromMs = clock.monotonicMs();
    const isWaited = await this.#room.wait(ms, this.#signal);
    this.#waitedMs += clock.monotonicMs() - fromMs;
    return isWaited;
  }
}
