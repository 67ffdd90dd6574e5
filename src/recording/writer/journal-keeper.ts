import type { Clock } from '../../core/clock.ts';
import { errorText } from '../../core/errors.ts';
import { waited } from '../../core/waited.ts';
import { adoptOrphans, removeJournal, type OwnedJournal } from '../journal/journal-directories.ts';
import type { JournalProgress } from '../journal/journal-progress.ts';
import { JournalReader } from '../journal/journal-reader.ts';
import { Pulse } from '../store/pulse.ts';
import type { InstanceFacts, RecordStore } from '../store/record-store.ts';
import type { Keeping } from './kept-tail.ts';
import { Writer, type WriterReports } from './writer.ts';

const HEARTBEAT_MS = 5_000;

export interface KeeperReports extends WriterReports {
  /** What a dead process left is being stored from now on, or not any longer. */
  adopting(instanceId: string, isUnderWay: boolean): void;
  adopted(instanceId: string, interrupted: number): void;
  closedInterrupted(instanceId: string, interrupted: number): void;
  failed(what: string, reason: string): void;
}

/**
 * Looks after the journals: carries the own one into the store as it grows, takes
 * over those that dead processes left, and closes what the dead left open.
 */
export class JournalKeeper {
  readonly #pulse = new Pulse();

  constructor(
    private readonly store: RecordStore,
    private readonly reports: KeeperReports,
    private readonly clock: Clock,
    private readonly place: {
      readonly root: string;
      readonly instance: InstanceFacts;
      readonly keeping?: Keeping;
    },
  ) {}

  /** Resolves after `stop`, when the own journal is in the store or the store is away. */
  async run(directory: string, progress: JournalProgress, stop: AbortSignal): Promise<void> {
    const own = new JournalReader(directory);
    // Apart from one another: the heart must beat on while a journal of the dead waits for the store.
    const tending = Promise.all([
      this.#regularly('saying that this process lives', () => this.#closeSilent(), stop),
      this.#regularly('looking for journals of the dead', () => this.#adoptOrphans(stop), stop),
    ]);
    await this.#writerFor(this.place.instance.id).follow(own, progress, stop, this.place.keeping);
    await own.close();
    await tending;
    // Whoever has everything in the store needs no successor to look after it.
    if (progress.committedPosition === progress.flushedPosition) await this.#signOff();
  }

  async #regularly(what: string, task: () => Promise<void>, stop: AbortSignal): Promise<void> {
    do {
      try {
        await task();
      } catch (error) {
        this.reports.failed(what, errorText(error));
      }
    } while (await waited(HEARTBEAT_MS, stop));
  }

  /** Processes that have stopped saying that they live, here or on another machine. */
  async #closeSilent(): Promise<void> {
    const silentIds = await this.store.heartbeat(this.place.instance);
    if (!this.#pulse.beat(this.clock.monotonicMs())) return;
    for (const silentId of silentIds) {
      const interrupted = await this.store.closeInterrupted(silentId);
      this.reports.closedInterrupted(silentId, interrupted);
    }
  }

  async #adoptOrphans(stop: AbortSignal): Promise<void> {
    for await (const orphan of adoptOrphans(this.place.root, this.place.instance.id)) {
      this.reports.adopting(orphan.instanceId, true);
      try {
        if (stop.aborted || !(await this.#takeOver(orphan, stop))) return;
        await removeJournal(orphan);
      } catch (error) {
        const what = `taking over the journal of ${orphan.instanceId}`;
        this.reports.failed(what, errorText(error));
      } finally {
        orphan.lock.release();
        this.reports.adopting(orphan.instanceId, false);
      }
    }
  }

  async #takeOver(orphan: OwnedJournal, stop: AbortSignal): Promise<boolean> {
    const reader = new JournalReader(orphan.directory);
    try {
      if (!(await this.#writerFor(orphan.instanceId).drain(reader, stop))) return false;
      const interrupted = await this.store.closeInterrupted(orphan.instanceId, reader.newestMs);
      this.reports.adopted(orphan.instanceId, interrupted);
      return true;
    } finally {
      await reader.close();
    }
  }

  #writerFor(instanceId: string): Writer {
    return new Writer(this.store, this.reports, this.clock, instanceId);
  }

  /** What is open by now has lost its end, and nobody will look for it. */
  async #signOff(): Promise<void> {
    try {
      await this.store.closeInterrupted(this.place.instance.id, this.clock.nowMs());
    } catch (error) {
      this.reports.failed('signing off', errorText(error));
    }
  }
}
