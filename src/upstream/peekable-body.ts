import type { AnswerBody } from './wire/upstream-call.ts';

export interface PeekBounds {
  readonly bytesMax: number;
  /** From the first look on. */
  readonly timeMaxMs?: number;
  /** From the first chunk on: how long a byte may be kept from whoever gets the body. */
  readonly heldMaxMs?: number;
}

/** An error is worth reading as far as this, and as long; its status is known all the same. */
export const ERROR_BOUNDS: PeekBounds = { bytesMax: 64 * 1024, timeMaxMs: 5_000 };

/**
 * A body whose beginning can be looked at before it is decided who gets it. What
 * was looked at is read again by whoever reads the body then.
 */
export class PeekableBody implements AnswerBody {
  readonly #body: AnswerBody;
  readonly #peeked: Buffer[] = [];
  #pending: Promise<Buffer | undefined> | undefined;
  #isEnded = false;

  constructor(body: AnswerBody) {
    this.#body = body;
  }

  /** True when the body has been looked at to its end. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** True when it is known that nothing more is to be read. */
  get isDrained(): boolean {
    return this.#isEnded && this.#peeked.length === 0;
  }

  /** True when there is something to be read again. */
  get hasPeeked(): boolean {
    return this.#peeked.length > 0;
  }

  /** What has been looked at so far. */
  get peeked(): Buffer {
    return Buffer.concat(this.#peeked);
  }

  /**
   * Looks at chunk after chunk until `isEnough` says so, the body ends or a bound
   * is reached. Rejects as reading does.
   */
  async peek(isEnough: (chunk: Buffer) => boolean, bounds: PeekBounds): Promise<void> {
    let deadline = deadlineIn(bounds.timeMaxMs);
    try {
      for (let bytes = 0; bytes < bounds.bytesMax;) {
        this.#pending ??= this.#readAhead();
        const chunk = await Promise.race([this.#pending, ...(deadline ? [deadline.reached] : [])]);
        if (chunk === DEADLINE) return;
        this.#pending = undefined;
        if (chunk === undefined) {
          this.#isEnded = true;
          return;
        }
        this.#peeked.push(chunk);
        bytes += chunk.length;
        if (isEnough(chunk)) return;
        deadline ??= deadlineIn(bounds.heldMaxMs);
      }
    } finally {
      deadline?.clear();
    }
  }

  read(): Promise<Buffer | undefined> {
    const chunk = this.#peeked.shift();
    if (chunk !== undefined) return Promise.resolve(chunk);
    if (this.#isEnded) return Promise.resolve(undefined);
    const pending = this.#pending ?? this.#body.read();
    this.#pending = undefined;
    return pending;
  }

  cancel(): void {
    this.#body.cancel();
  }

  /** A read that fails after the deadline concerns whoever reads on, if anybody does. */
  #readAhead(): Promise<Buffer | undefined> {
    const pending = this.#body.read();
    pending.catch(() => undefined);
    return pending;
  }
}

const DEADLINE = Symbol('deadline');

interface Deadline {
  readonly reached: Promise<typeof DEADLINE>;
  readonly clear: () => void;
}

/** None where no time is given. */
function deadlineIn(ms: number | undefined): Deadline | undefined {
  if (ms === undefined) return undefined;
  const { promise, resolve } = Promise.withResolvers<typeof DEADLINE>();
  const timer = setTimeout(() => resolve(DEADLINE), ms);
  return { reached: promise, clear: () => clearTimeout(timer) };
}
