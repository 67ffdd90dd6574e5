import type { Clock } from '../../core/clock.ts';
import type { KeptTurns } from '../apis/tool-dialect.ts';

/** Over all callers. What does not fit is forgotten, oldest first; the caller's version serves then. */
const BYTES_MAX = 64 * 1024 * 1024;
/** Since it was last asked for: a conversation that is left for longer does without. */
const KEPT_MS = 60 * 60_000;

interface Entry {
  readonly turns: KeptTurns;
  readonly bytes: number;
  usedMs: number;
}

/** What is kept of one caller's conversations. */
export interface CallersTurns {
  readonly find: (callId: string) => KeptTurns | undefined;
  readonly keep: (turns: KeptTurns) => void;
  /** Nothing is kept of anybody. */
  readonly isEmpty: boolean;
}

/**
 * What callers were not shown of turns that go on with their own tools. In memory alone: a caller
 * that comes to another bridge goes on with what it was shown, and the model asks again.
 */
export class TurnsKept {
  readonly #clock: Clock;
  /** By owner and the first call of the turn that the caller knows of. Oldest use first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(owner: string): CallersTurns {
    return {
      isEmpty: this.#entries.size === 0,
      find: (callId) => this.#find(keyOf(owner, callId)),
      keep: (turns) => {
        const [first] = turns.callersCalls;
        if (first !== undefined) this.#keep(keyOf(owner, first), turns);
      },
    };
  }

  #find(key: string): KeptTurns | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    entry.usedMs = this.#clock.monotonicMs();
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.turns;
  }

  #keep(key: string, turns: KeptTurns): void {
    this.#forget(key);
    const bytes = sizeOf(turns);
    this.#entries.set(key, { turns, bytes, usedMs: this.#clock.monotonicMs() });
    this.#bytes += bytes;
    for (const [oldest, { usedMs }] of this.#entries) {
      const isOld = usedMs + KEPT_MS < this.#clock.monotonicMs();
      if (!isOld && this.#bytes <= BYTES_MAX) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0;
    this.#entries.delete(key);
  }
}

function keyOf(owner: string, callId: string): string {
  return JSON.stringify([owner, callId]);
}

function sizeOf({ before, said, results }: KeptTurns): number {
  const texts = [...before, ...said].reduce((sum, { length }) => sum + length, 0);
  return results.reduce((sum, { result }) => sum + result.bytes, texts);
}
