import type { Call } from './call.ts';

interface Waiter {
  readonly matches: (call: Call) => boolean;
  readonly found: (call: Call) => void;
}

/** The calls of a run in order of arrival; beyond `keep` the oldest are dropped. */
export class CallLog {
  readonly calls: Call[] = [];
  readonly #keep: number;
  readonly #waiters = new Set<Waiter>();

  constructor(keep: number) {
    this.#keep = keep;
  }

  add(call: Call): void {
    if (this.#keep === 0) return;
    this.calls.push(call);
    if (this.calls.length > this.#keep) this.calls.shift();
  }

  /** Tells those who wait that a call's request is complete. */
  announce(call: Call): void {
    for (const waiter of this.#waiters) {
      if (!waiter.matches(call)) continue;
      this.#waiters.delete(waiter);
      waiter.found(call);
    }
  }

  /** The first matching call, past or future; rejects when none comes in time. */
  async wait(matches: (call: Call) => boolean, timeoutMs: number): Promise<Call> {
    const past = this.calls.find((call) => matches(call));
    if (past !== undefined) return past;
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        matches,
        found: (call) => {
          clearTimeout(timer);
          resolve(call);
        },
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(new Error(`no such call within ${timeoutMs} ms, of ${this.calls.length} received`));
      }, timeoutMs);
      this.#waiters.add(waiter);
    });
  }

  clear(): void {
    this.calls.length = 0;
  }
}
