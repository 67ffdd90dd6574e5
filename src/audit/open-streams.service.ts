import { HttpException, HttpStatus, Injectable, type OnModuleDestroy } from '@nestjs/common';

const LIVE_MAX = 200;

/** Answers that have no end of their own end with the process; nobody may keep it from stopping. */
@Injectable()
export class OpenStreamsService implements OnModuleDestroy {
  readonly #stopping = new AbortController();
  #liveCount = 0;

  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Runs one live tail; they are counted, as each costs a query whenever something ends. */
  async live(run: () => Promise<void>): Promise<void> {
    if (this.#liveCount >= LIVE_MAX) {
      throw new HttpException('Too many live tails are open.', HttpStatus.TOO_MANY_REQUESTS);
    }
    this.#liveCount += 1;
    try {
      await run();
    } finally {
      this.#liveCount -= 1;
    }
  }

  onModuleDestroy(): void {
    this.#stopping.abort();
  }
}
