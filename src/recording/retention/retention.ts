import { errorText } from '../../core/errors.ts';
import { waited } from '../../core/waited.ts';

/** What can be purged, and how much of it at once. */
export abstract class PurgeStore {
  /**
   * The time by which age is counted. It is the database's: a process whose own clock is
   * wrong for a minute must not purge years by it.
   */
  abstract nowMs(): Promise<number>;
  /**
   * Deletes at most one batch of what is older. Answers how many rows went, or
   * undefined when another replica is at it.
   */
  abstract purgeRecords(olderThanMs: number): Promise<number | undefined>;
  /**
   * The same for texts alone: prompts, thoughts, tool inputs. The records stay, so
   * that what an earlier round has been through is not to be looked at again.
   */
  abstract purgeTexts(olderThanMs: number, doneBeforeMs: number): Promise<number | undefined>;
}

export interface RetentionSettings {
  /** 0: for ever. */
  readonly recordsMs: number;
  readonly textsMs: number;
}

export interface RetentionReports {
  purged(what: 'records' | 'texts', rows: number): void;
  failed(what: string, reason: string): void;
}

const ROUND_MS = 10 * 60_000;
/** Between two batches, so that a purge of millions never stands in the way of what is written. */
const BREATH_MS = 50;

/**
 * Purges what is past its age, round after round. Small batches that each lock
 * little and briefly; one replica at a time; whatever is left is for the next round.
 */
export class Retention {
  #textsDoneBeforeMs = 0;

  constructor(
    private readonly store: PurgeStore,
    private readonly settings: RetentionSettings,
    private readonly reports: RetentionReports,
  ) {}

  async run(stop: AbortSignal): Promise<void> {
    do {
      try {
        await this.#purgeTexts(stop);
        await this.#purgeRecords(stop);
      } catch (error) {
        this.reports.failed('purging what is past its age', errorText(error));
      }
    } while (await waited(ROUND_MS, stop));
  }

  async #purgeRecords(stop: AbortSignal): Promise<void> {
    const { recordsMs } = this.settings;
    if (recordsMs === 0) return;
    const olderThanMs = (await this.store.nowMs()) - recordsMs;
    await this.#untilDone('records', () => this.store.purgeRecords(olderThanMs), stop);
  }

  async #purgeTexts(stop: AbortSignal): Promise<void> {
    const { textsMs } = this.settings;
    if (textsMs === 0) return;
    const olderThanMs = (await this.store.nowMs()) - textsMs;
    const doneBeforeMs = this.#textsDoneBeforeMs;
    const purge = (): Promise<number | undefined> =>
      this.store.purgeTexts(olderThanMs, doneBeforeMs);
    if (await this.#untilDone('texts', purge, stop)) this.#textsDoneBeforeMs = olderThanMs;
  }

  /** Answers whether nothing is left. */
  async #untilDone(
    what: 'records' | 'texts',
    batch: () => Promise<number | undefined>,
    stop: AbortSignal,
  ): Promise<boolean> {
    let total = 0;
    let rows: number | undefined;
    do {
      rows = await batch();
      total += rows ?? 0;
    } while (rows !== undefined && rows > 0 && (await waited(BREATH_MS, stop)));
    if (total > 0) this.reports.purged(what, total);
    return rows === 0;
  }
}
