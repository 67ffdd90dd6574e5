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
  /** The same for what is of use to nobody once the records have gone. */
  abstract purgeLeftovers(olderThanMs: number): Promise<number | undefined>;
  /** The same for texts alone: prompts, thoughts, tool inputs. */
  abstract purgeTexts(olderThanMs: number): Promise<number | undefined>;
  /** The same for totals of single people; those of everybody together stay. */
  abstract purgeUsage(olderThanMs: number): Promise<number | undefined>;
  /** Makes room for what is recorded until then, before it is needed. */
  abstract makeRoom(untilMs: number): Promise<void>;
  /** Sees to it that the planner of questions knows the tables as they are, to within a day. */
  abstract analyze(): Promise<void>;
  /** Gets rid, at once, of all that lies together and is older. Answers how many records went. */
  abstract dropRecords(olderThanMs: number): Promise<number>;
  abstract dropTexts(olderThanMs: number): Promise<number>;
  /** Keeps so many of the newest endings, by which live tails go on after a break. */
  abstract purgeEndings(kept: number): Promise<number | undefined>;
  /** The same for tool calls whose caller has not come. */
  abstract purgeUnlinked(notedBeforeMs: number): Promise<number | undefined>;
  /** The same for how far journals are stored whose processes are long dead. */
  abstract purgeMarks(markedBeforeMs: number): Promise<number | undefined>;
}

export interface RetentionSettings {
  /** 0: for ever. */
  readonly recordsMs: number;
  readonly textsMs: number;
  readonly usageMs: number;
}

export type Purged = 'records' | 'texts' | 'totals of initiators';

export interface RetentionReports {
  purged(what: Purged, rows: number): void;
  failed(what: string, reason: string): void;
}

const ROUND_MS = 10 * 60_000;
/** How long before it is needed there is room for what is recorded. */
const AHEAD_MS = 2 * 86_400_000;
/** Endings that live tails can go back to. */
const ENDINGS_KEPT = 1_000_000;
/**
 * How long the caller of a tool call may come later than what carries its result. Journals are as far
 * behind as the database was away, and those of the dead wait until their machine is up again.
 */
const UNLINKED_MS = 10 * 60_000;
/** How long the disk of a dead process may be away and its journal still be carried on where it ended. */
const MARKS_MS = 30 * 86_400_000;
/** Between two batches, so that a purge of millions never stands in the way of what is written. */
const BREATH_MS = 50;

/**
 * Purges what is past its age, round after round. Small batches that each lock
 * little and briefly; one replica at a time; whatever is left is for the next round.
 */
export class Retention {
  constructor(
    private readonly store: PurgeStore,
    private readonly settings: RetentionSettings,
    private readonly reports: RetentionReports,
  ) {}

  async run(stop: AbortSignal): Promise<void> {
    do {
      try {
        await this.store.makeRoom((await this.store.nowMs()) + AHEAD_MS);
        await this.#purgeTexts(stop);
        await this.#purgeRecords(stop);
        await this.#purgeUsage(stop);
        await this.#purgePassing(stop);
      } catch (error) {
        this.reports.failed('purging what is past its age', errorText(error));
      }
    } while (await waited(ROUND_MS, stop));
  }

  async #purgeRecords(stop: AbortSignal): Promise<void> {
    const { recordsMs } = this.settings;
    if (recordsMs === 0) return;
    const olderThanMs = (await this.store.nowMs()) - recordsMs;
    const dropped = await this.store.dropRecords(olderThanMs);
    const rows = await this.#untilDone(() => this.store.purgeRecords(olderThanMs), stop);
    this.#report('records', dropped + rows);
    // Kinds that nothing has any more, history of keys: no records, so nobody is told.
    await this.#untilDone(() => this.store.purgeLeftovers(olderThanMs), stop);
  }

  async #purgeTexts(stop: AbortSignal): Promise<void> {
    const { textsMs } = this.settings;
    if (textsMs === 0) return;
    const olderThanMs = (await this.store.nowMs()) - textsMs;
    const dropped = await this.store.dropTexts(olderThanMs);
    const rows = await this.#untilDone(() => this.store.purgeTexts(olderThanMs), stop);
    this.#report('texts', dropped + rows);
  }

  async #purgeUsage(stop: AbortSignal): Promise<void> {
    const { usageMs } = this.settings;
    if (usageMs === 0) return;
    const olderThanMs = (await this.store.nowMs()) - usageMs;
    const rows = await this.#untilDone(() => this.store.purgeUsage(olderThanMs), stop);
    this.#report('totals of initiators', rows);
  }

  async #purgePassing(stop: AbortSignal): Promise<void> {
    const nowMs = await this.store.nowMs();
    await this.#untilDone(() => this.store.purgeUnlinked(nowMs - UNLINKED_MS), stop);
    await this.#untilDone(() => this.store.purgeMarks(nowMs - MARKS_MS), stop);
    await this.#untilDone(() => this.store.purgeEndings(ENDINGS_KEPT), stop);
    await this.store.analyze();
  }

  /** Answers how many rows went. */
  async #untilDone(batch: () => Promise<number | undefined>, stop: AbortSignal): Promise<number> {
    let total = 0;
    let rows: number | undefined;
    do {
      rows = await batch();
      total += rows ?? 0;
    } while (rows !== undefined && rows > 0 && (await waited(BREATH_MS, stop)));
    return total;
  }

  #report(what: Purged, rows: number): void {
    if (rows > 0) this.reports.purged(what, rows);
  }
}
