import { Injectable, Logger } from '@nestjs/common';
import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { errorText } from '../../core/errors.ts';
import { waited } from '../../core/waited.ts';
import { DatabaseService } from '../../database/index.ts';
import { isAhead, type Snapshot } from './place.ts';
import { PrismaEndings } from './prisma-endings.ts';
import { unlessAway } from './unless-away.ts';

const CHANNEL = 'aibridge_endings';
/** Between two looks while somebody waits. With the time that one takes, less than a second. */
const LOOK_MS = 500;

/**
 * Rings whenever an interception has ended, on whichever replica. One look for all who wait: nobody
 * is told by a process that dies between its commit and the notification, and nothing is heard
 * while the connection is away.
 */
@Injectable()
export class EndingsBellService implements OnModuleInit, OnModuleDestroy {
  readonly #logger = new Logger('Live');
  readonly #waiting = new Set<() => void>();
  readonly #closing = new AbortController();
  #rings = 0;
  /** What the last look saw. */
  #seen: Snapshot | undefined;
  #looking: Promise<void> | undefined;

  constructor(
    database: DatabaseService,
    private readonly endings: PrismaEndings,
  ) {
    database.listen(CHANNEL, () => this.#ring());
  }

  onModuleInit(): void {
    this.#looking = this.#lookNowAndThen();
  }

  async onModuleDestroy(): Promise<void> {
    this.#closing.abort();
    await this.#looking;
  }

  /** How often it has rung: taken before a question, so that no ring after it is missed. */
  get rings(): number {
    return this.#rings;
  }

  /** Until it has rung more often than that, or the signal is aborted. */
  async rangAfter(rings: number, signal: AbortSignal): Promise<void> {
    if (this.#rings !== rings || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  async #lookNowAndThen(): Promise<void> {
    while (await waited(LOOK_MS, this.#closing.signal)) {
      try {
        if (this.#waiting.size > 0 && (await this.#isAnythingNew())) this.#ring();
      } catch (error) {
        this.#logger.error(`looking for what has ended failed: ${errorText(error)}`);
      }
    }
  }

  async #isAnythingNew(): Promise<boolean> {
    const before = this.#seen === undefined ? undefined : { seen: this.#seen };
    const look = await unlessAway(() => this.endings.look(before, 1));
    if (look === undefined) return false;
    this.#seen = look.now;
    return before === undefined || look.endings.length > 0 || isAhead(before, look.now);
  }

  #ring(): void {
    this.#rings += 1;
    for (const ring of this.#waiting) ring();
  }
}
