import { Injectable, Logger } from '@nestjs/common';
import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { waited } from '../../core/waited.ts';
import { DatabaseService, Listener } from '../../database/index.ts';

const CHANNEL = 'aibridge_endings';

/** Rings whenever an interception has ended, on whichever replica. One connection for all who wait. */
@Injectable()
export class EndingsBellService implements OnModuleInit, OnModuleDestroy {
  readonly #logger = new Logger('Live');
  readonly #listener: Listener;
  readonly #waiting = new Set<() => void>();
  #rings = 0;
  #isClosed = false;

  constructor(private readonly database: DatabaseService) {
    this.#listener = new Listener({
      url: () => database.url,
      channel: CHANNEL,
      onNotification: () => this.#ring(),
      warn: (message) => this.#logger.warn(message),
    });
  }

  onModuleInit(): void {
    void this.#openWhenReady();
  }

  async onModuleDestroy(): Promise<void> {
    this.#isClosed = true;
    await this.#listener.close();
  }

  /** How often it has rung: taken before a question, so that no ring after it is missed. */
  get rings(): number {
    return this.#rings;
  }

  /** Whether it rang more often than that before the time was over or the signal aborted. */
  async rangAfter(rings: number, ms: number, signal: AbortSignal): Promise<boolean> {
    if (this.#rings === rings) {
      const rung = new AbortController();
      const ring = (): void => rung.abort();
      this.#waiting.add(ring);
      await waited(ms, AbortSignal.any([signal, rung.signal]));
      this.#waiting.delete(ring);
    }
    return this.#rings !== rings;
  }

  async #openWhenReady(): Promise<void> {
    await this.database.ready;
    if (!this.#isClosed) this.#listener.open();
  }

  #ring(): void {
    this.#rings += 1;
    for (const ring of this.#waiting) ring();
  }
}
