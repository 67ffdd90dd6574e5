import { HttpException, HttpStatus, Injectable, type OnModuleDestroy } from '@nestjs/common';

const LIVE_MAX = 200;
/** Each has a thread and a connection to the database. */
const EXPORTS_MAX = 4;

/** Answers that take their time end with the process; nobody may keep it from stopping. */
@Injectable()
export class OpenStreamsService implements OnModuleDestroy {
  readonly #stopping = new AbortController();
  readonly #open = { live: 0, export: 0 };

  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Runs one live tail; they are counted, as each costs a query whenever something ends. */
  live(run: () => Promise<void>): Promise<void> {
    return this.#counted('live', LIVE_MAX, run);
  }

  export(run: () => Promise<void>): Promise<void> {
    return this.#counted('export', EXPORTS_MAX, run);
  }

  async #counted(what: 'live' | 'export', max: number, run: () => Promise<void>): Promise<void> {
    if (this.#open[what] >= max) {
      throw new HttpException(`${max} of these are open.`, HttpStatus.TOO_MANY_REQUESTS);
    }
    this.#open[what] += 1;
    try {
      await run();
    } finally {
      this.#open[what] -= 1;
    }
  }

  onModuleDestroy(): void {
    this.#stopping.abort();
  }
}
