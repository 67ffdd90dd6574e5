import type { Clock } from '../../core/clock.ts';
import type { KeptTurns } from '../apis/tool-dialect.ts';

/** Over all callers. What does not fit is forgotten, oldest first; the caller's version serves then. */
const BYTES_MAX = 64 * 1024 * 1024;
/** Since it was last asked for: a conversation that is left for longer does without. */
const KEPT_MS = 60 * 60_000;
/** What it takes to keep nothing under a name. */
const ENTRY_BYTES = 512;

interface Entry {
  readonly turns: KeptTurns;
  /** What else it is found by. */
  readonly otherKeys: readonly string[];
  readonly bytes: number;
  usedMs: number;
}

/** What is kept of one caller's conversations. */
export interface CallersTurns {
  readonly find: (name: string) => KeptTurns | undefined;
  readonly keep: (turns: KeptTurns) => void;
  /** Nothing is kept of anybody. */
  readonly isEmpty: boolean;
}

/**
 * What callers were not shown of answers that they go on from. In memory alone: a caller
 * that comes to another bridge goes on with what it was shown, and the model asks again.
 */
export class TurnsKept {
  readonly #clock: Clock;
  /** By owner and first name. Oldest use first. */
  readonly #entries = new Map<string, Entry>();
  /** From the other names to the first. */
  readonly #firstKeys = new Map<string, string>();
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(owner: string): CallersTurns {
    return {
      isEmpty: this.#entries.size === 0,
      find: (name) => this.#find(keyOf(owner, name)),
      keep: (turns) => {
        const names = turns.names ?? turns.callersCalls.slice(0, 1);
        this.#keep(
          names.map((name) => keyOf(owner, name)),
          turns,
        );
      },
    };
  }

  #find(name: string): KeptTurns | undefined {
    const key = this.#firstKeys.get(name) ?? name;
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    entry.usedMs = this.#clock.monotonicMs();
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.turns;
  }

  #keep([key, ...otherKeys]: readonly string[], turns: KeptTurns): void {
    if (key === undefined) return;
    this.#forget(key);
    const bytes = sizeOf(turns) + ENTRY_BYTES * (otherKeys.length + 1);
    this.#entries.set(key, { turns, otherKeys, bytes, usedMs: this.#clock.monotonicMs() });
    for (const other of otherKeys) this.#firstKeys.set(other, key);
    this.#bytes += bytes;
    for (const [oldest, { usedMs }] of this.#entries) {
      const isOld = usedMs + KEPT_MS < this.#clock.monotonicMs();
      if (!isOld && this.#bytes <= BYTES_MAX) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    const { bytes, otherKeys } = this.#entries.get(key) ?? { bytes: 0, otherKeys: [] };
    this.#bytes -= bytes;
    this.#entries.delete(key);
    for (const other of otherKeys) {
      if (this.#firstKeys.get(other) === key) this.#firstKeys.delete(other);
    }
  }
}

function keyOf(owner: string, name: string): string {
  return JSON.stringify([owner, name]);
}

function sizeOf({ before, said, results }: KeptTurns): number {
  const texts = [...before, ...said].reduce((sum, { length }) => sum + length, 0);
  return results.reduce((sum, { result }) => sum + result.bytes, texts);
}
