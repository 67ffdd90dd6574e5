import type { Meter } from '@opentelemetry/api';
import type { Clock } from '../../core/clock.ts';
import { errorText } from '../../core/errors.ts';
import { type Logger, Tally } from '../../telemetry/index.ts';

/** `too_large` is what the operator asked for; the others are lost. */
export type DumpResult = 'whole' | 'too_large' | 'overload' | 'failed';

/** After so long without a loss the next one is news again. */
const QUIET_MS = 60_000;

/** Counts files, and says in one line of the log that some are being lost. */
export class DumpAccount {
  readonly #files: Tally<readonly ['provider', 'result']>;
  readonly #logger: Logger;
  readonly #clock: Clock;
  #lastLossMs = -Infinity;

  constructor(meter: Meter, logger: Logger, clock: Clock) {
    this.#files = new Tally(meter, {
      name: 'aibridge_dump_files_total',
      description: 'Files of dumps, by whether all of it was written',
      labels: ['provider', 'result'],
    });
    this.#logger = logger;
    this.#clock = clock;
  }

  counted(provider: string, result: Exclude<DumpResult, 'failed'>): void {
    this.#files.add(1, [provider, result]);
    if (result === 'overload') this.#lost(provider, 'they come faster than the disk takes them');
  }

  failed(provider: string, error: unknown): void {
    this.#files.add(1, [provider, 'failed']);
    this.#lost(provider, errorText(error));
  }

  /** What is too old or too much stays where it is. */
  sweepFailed(provider: string, error: unknown): void {
    this.#lost(provider, errorText(error));
  }

  #lost(provider: string, reason: string): void {
    const nowMs = this.#clock.monotonicMs();
    const isNews = nowMs - this.#lastLossMs > QUIET_MS;
    this.#lastLossMs = nowMs;
    if (isNews) this.#logger.warn('dumps are being lost', { provider, reason });
  }
}
