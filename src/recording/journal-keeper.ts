import type { Clock } from '../core/clock.ts';
import { errorText } from '../core/errors.ts';
import { waited } from '../core/waited.ts';
import { adoptOrphans, removeJournal, type OwnedJournal } from './journal-directories.ts';
import type { JournalProgress } from './journal-progress.ts';
import { JournalReader } from './journal-reader.ts';
import type { InstanceFacts, RecordStore } from './record-store.ts';
import { Writer, type WriterReports } from './writer.ts';

const HEARTBEAT_MS = 5_000;

export interface KeeperReports extends WriterReports {
  adopted(instanceId: string, interrupted: number): void;
  closedInterrupted(instanceId: string, interrupted: number): void;
  failed(what: string, reason: string): void;
}

/**
 * Looks after the journals: carries the own one into the store as it grows, takes
 * over those that dead processes left, and closes what the dead left open.
 */
export class JournalKeeper {
  constructor(
    private readonly store: RecordStore,
    private readonly reports: KeeperReports,
    private readonly clock: Clock,
    private readonly place: { readonly root: string; readonly instance: InstanceFacts },
  ) {}

  /** Resolves after `stop`, when the own journal is in the store or the store is away. */
  async run(directory: string, progress: JournalProgress, stop: AbortSignal): Promise<void> {
    const own = new JournalReader(directory);
    const tending = this.#tend(stop);
    await new Writer(this.store, this.reports, this.clock).follow(own, progress, stop);
    await own.close();
    await tending;
    // Whoever has everything in the store needs no successor to look after it.
    if (progress.committedPosition === progress.flushedPosition) await this.#retire();
  }

  async #tend(stop: AbortSignal): Promise<void> {
    do {
      try {
        await this.#closeSilent();
        await this.#adoptOrphans(stop);
      } catch (error) {
        this.reports.failed('looking after the journals of other processes', errorText(error));
      }
    } while (await waited(HEARTBEAT_MS, stop));
  }

  /** Processes that have stopped saying that they live, here or on another machine. */
  async #closeSilent(): Promise<void> {
    for (const silentId of await this.store.heartbeat(this.place.instance)) {
      const interrupted = await this.store.closeInterrupted(silentId);
      this.reports.closedInterrupted(silentId, interrupted);
    }
  }

  async #adoptOrphans(stop: AbortSignal): Promise<void> {
    for await (const orphan of adoptOrphans(this.place.root, this.place.instance.id)) {
      if (stop.aborted || !(await this.#takeOver(orphan, stop))) {
        orphan.lock.release();
        return;
      }
      await removeJournal(orphan);
    }
  }

  async #takeOver(orphan: OwnedJournal, stop: AbortSignal): Promise<boolean> {
    const reader = new JournalReader(orphan.directory);
    try {
      const writer = new Writer(this.store, this.reports, this.clock);
      if (!(await writer.drain(reader, stop))) return false;
      const interrupted = await this.store.closeInterrupted(orphan.instanceId);
      this.reports.adopted(orphan.instanceId, interrupted);
      return true;
    } finally {
      await reader.close();
    }
  }

  async #retire(): Promise<void> {
    try {
      await this.store.retire(this.place.instance.id);
    } catch (error) {
      this.reports.failed('signing off', errorText(error));
    }
  }
}
