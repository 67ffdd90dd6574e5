import { HttpException, HttpStatus, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { DatabaseService } from '../../database/index.ts';

const LIVE_MAX = 200;

/** Answers that take their time end with the process; nobody may keep it from stopping. */
@Injectable()
export class OpenStreamsService implements OnModuleDestroy {
  readonly #stopping = new AbortController();
  readonly #open = { live: 0, export: 0 };

  constructor(private readonly database: DatabaseService) {}

  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Runs one live tail; they are counted, as each costs a query whenever something ends. */
  live(run: () => Promise<void>): Promise<void> {
    return this.#counted('live', LIVE_MAX, run);
  }

  /** Each has a thread, and one of the connections to the database. */
  export(run: () => Promise<void>): Promise<void> {
    return this.#counted('export', this.database.shares.exports, run);
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
