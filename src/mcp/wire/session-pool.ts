import { WireFailure } from './wire-failure.ts';

export interface PoolBounds {
  readonly sessionsMax: number;
  /** How long a session is kept that nobody uses. */
  readonly idleMs: number;
}

interface Closable {
  close(): Promise<void>;
}

interface Entry<S> {
  readonly session: Promise<S>;
  uses: number;
  idle: NodeJS.Timeout | undefined;
}

/** A session for each who needs one of their own, made when it is first used and closed when it has been idle. */
export class SessionPool<S extends Closable> {
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry<S>>();
  readonly #bounds: PoolBounds;

  constructor(bounds: PoolBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Does something with the session of `owner`, which nobody else gets; `open` makes it where there is none. */
  async with<T>(
    owner: string,
    open: () => Promise<S>,
    use: (session: S) => Promise<T>,
  ): Promise<T> {
    const entry = this.#entries.get(owner) ?? this.#make(owner, open);
    this.#entries.delete(owner);
    this.#entries.set(owner, entry);
    clearTimeout(entry.idle);
    entry.uses += 1;
    try {
      return await use(await entry.session);
    } finally {
      entry.uses -= 1;
      if (entry.uses === 0) this.#idleFromNow(owner, entry);
    }
  }

  /** Forgets a session that is of no use any more. */
  async forget(owner: string, session: S): Promise<void> {
    const entry = this.#entries.get(owner);
    if (entry === undefined || (await entry.session) !== session) return;
    if (this.#entries.get(owner) === entry) this.#remove(owner, entry);
  }

  async close(): Promise<void> {
    const entries = [...this.#entries];
    this.#entries.clear();
    await Promise.all(entries.map(([, entry]) => closeEntry(entry)));
  }

  #make(owner: string, open: () => Promise<S>): Entry<S> {
    this.#makeRoom();
    const entry: Entry<S> = { session: open(), uses: 0, idle: undefined };
    entry.session.catch(() => {
      if (this.#entries.get(owner) === entry) this.#entries.delete(owner);
    });
    return entry;
  }

  #makeRoom(): void {
    if (this.#entries.size < this.#bounds.sessionsMax) return;
    const oldest = [...this.#entries].find(([, { uses }]) => uses === 0);
    if (oldest === undefined) {
      throw new WireFailure('unreachable', 'too many people use it at once');
    }
    this.#remove(...oldest);
  }

  #idleFromNow(owner: string, entry: Entry<S>): void {
    if (this.#entries.get(owner) !== entry) return;
    entry.idle = setTimeout(() => this.#remove(owner, entry), this.#bounds.idleMs);
    entry.idle.unref();
  }

  #remove(owner: string, entry: Entry<S>): void {
    this.#entries.delete(owner);
    void closeEntry(entry);
  }
}

async function closeEntry({ session, idle }: Entry<Closable>): Promise<void> {
  clearTimeout(idle);
  try {
    await (await session).close();
  } catch {
    // It was never opened, or is gone already.
  }
}
