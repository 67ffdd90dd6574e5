import { errorText } from '../../core/errors.ts';
import { waited } from '../../core/waited.ts';

/** What batches of records have counted, and the totals to which it is added. */
export abstract class UsageTotals {
  /** Adds some of what was counted, all of it or none. Answers whether there may be more. */
  abstract rollUp(): Promise<boolean>;
}

export interface RollUpReports {
  failed(what: string, reason: string): void;
}

/**
 * Long enough for many batches to count for the same hour, short enough that those who ask, who
 * read what is not rolled up as well, never find much of it.
 */
const ROUND_MS = 5_000;
/** Between two of many, so that catching up never stands in the way of what is written. */
const BREATH_MS = 50;

/** Moves what batches of records have counted into the totals, round after round. */
export class RollUp {
  constructor(
    private readonly totals: UsageTotals,
    private readonly reports: RollUpReports,
  ) {}

  async run(stop: AbortSignal): Promise<void> {
    do {
      try {
        while ((await this.totals.rollUp()) && (await waited(BREATH_MS, stop)));
      } catch (error) {
        this.reports.failed('adding up usage', errorText(error));
      }
    } while (await waited(ROUND_MS, stop));
  }
}
