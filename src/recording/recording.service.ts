import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { BridgeConfig } from '../config/index.ts';
import { Clock } from '../core/clock.ts';
import { errorText } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import { waited } from '../core/waited.ts';
import { DatabaseService } from '../database/index.ts';
import { Logger } from '../telemetry/index.ts';
import { Journal, JournalRefusal } from './journal/journal.ts';
import {
  createJournalDirectory,
  removeJournal,
  type OwnedJournal,
} from './journal/journal-directories.ts';
import { JournalProgress } from './journal/journal-progress.ts';
import { JournalSurvey } from './journal/journal-survey.ts';
import { Recorder } from './journal/recorder.ts';
import {
  STOP,
  type Fault,
  type WriterMessage,
  type WriterStart,
} from './writer/writer-protocol.ts';

const RESTART_MS = 1_000;
/** How old what a dead process said of itself may be, and how long what is known of an open record gathers. */
const PULSE_MS = 500;
/** How old may be what is known of the journals of others. */
const SURVEY_MS = 1_000;
/** How long a stopping process waits for the database; the journal keeps what it did not take. */
const STOP_MS = 5_000;
/** How long a start may wait for its commit where durability is `database`. */
const COMMIT_MS = 5_000;

/** The program's own, two folders up from here in the sources as in what is built of them. */
const { version: VERSION }: { version: string } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);

/** Holds the recording pipeline together: journal and recorder here, the writer in its thread. */
@Injectable()
export class RecordingService implements OnModuleInit {
  readonly instanceId: string;
  readonly progress = new JournalProgress();
  readonly survey: JournalSurvey;
  readonly faults = new Map<Fault, number>();
  readonly #root: string;
  readonly #stopping = new AbortController();
  /** Journals of the dead that the writer is at. */
  readonly #adopting = new Set<string>();
  #owned: OwnedJournal | undefined;
  #journal: Journal | undefined;
  #recorder: Recorder | undefined;
  #worker: Worker | undefined;
  #pulse: NodeJS.Timeout | undefined;

  constructor(
    private readonly config: BridgeConfig,
    private readonly clock: Clock,
    private readonly database: DatabaseService,
    private readonly logger: Logger,
  ) {
    this.instanceId = uuidv7(clock.nowMs());
    this.#root = join(config.dataDir, 'journal');
    this.survey = new JournalSurvey({
      root: this.#root,
      ownId: this.instanceId,
      isAdopting: (instanceId) => this.#adopting.has(instanceId),
    });
  }

  /** Records that the database does not have yet, or may not have: the own ones, and those of the dead. */
  get lagRecords(): number {
    return this.progress.lagRecords + this.survey.orphans.records;
  }

  /** How long records have been waiting with none of them reaching the database. */
  get lagMs(): number {
    const nowMs = this.clock.nowMs();
    return Math.max(this.progress.lagMs(nowMs), nowMs - this.survey.orphans.sinceMs);
  }

  /** Everything that the journals take on the disk, with what is late and what was set aside. */
  get journalBytes(): number {
    return this.journal.bytes + this.survey.bytes;
  }

  get recorder(): Recorder {
    if (this.#recorder === undefined) throw new Error('the recorder is used before it is there');
    return this.#recorder;
  }

  get journal(): Journal {
    if (this.#journal === undefined) throw new Error('the journal is used before it is there');
    return this.#journal;
  }

  async onModuleInit(): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    this.#owned = await createJournalDirectory(this.#root, this.instanceId);
    await this.survey.weigh();
    const { durability, onFailure, journalMaxBytes, content } = this.config.audit;
    this.#journal = new Journal({
      directory: this.#owned.directory,
      bytesMax: journalMaxBytes,
      bytesElsewhere: () => this.survey.bytes,
      isSynced: durability === 'disk',
      progress: this.progress,
      clock: this.clock,
    });
    this.#recorder = new Recorder(this.#journal, this.clock, {
      instanceId: this.instanceId,
      contentMode: content,
      onFailure,
      ...(durability === 'database' && { committed: (position) => this.#committed(position) }),
    });
    this.#pulse = setInterval(() => {
      this.#recorder?.pulse();
      this.#journal?.tend();
    }, PULSE_MS);
    void this.#lookAround();
    void this.#runWriter();
  }

  /** After the last request has ended. What the database does not take in time stays in the journal. */
  async stop(): Promise<void> {
    clearInterval(this.#pulse);
    await this.#journal?.close();
    this.#stopping.abort();
    this.#worker?.postMessage(STOP);
    const deadline = AbortSignal.timeout(STOP_MS);
    while (this.#worker !== undefined && !deadline.aborted) await waited(20, deadline);
    await this.#worker?.terminate();
    const isEmpty = this.progress.committedPosition === this.progress.flushedPosition;
    if (this.#owned === undefined) return;
    if (isEmpty) await removeJournal(this.#owned);
    else this.#owned.lock.release();
  }

  async #lookAround(): Promise<void> {
    const { signal } = this.#stopping;
    let reason = '';
    do {
      try {
        await this.survey.look();
        reason = '';
      } catch (error) {
        // Said once, however often it is tried; what is known stays in force.
        const again = errorText(error);
        if (again !== reason)
          this.logger.error('the journals cannot be looked at', { reason: again });
        reason = again;
      }
    } while (await waited(SURVEY_MS, signal));
  }

  /** Keeps a writer running; one that dies is replaced, and begins where the last commit ended. */
  async #runWriter(): Promise<void> {
    await this.database.ready;
    while (!this.#stopping.signal.aborted) {
      await this.#writerEnded();
      await waited(RESTART_MS, this.#stopping.signal);
    }
  }

  #writerEnded(): Promise<void> {
    const start: WriterStart = {
      databaseUrl: this.database.url,
      connections: this.database.shares,
      journalRoot: this.#root,
      instance: { id: this.instanceId, version: VERSION, host: hostname() },
      progressMemory: this.progress.memory,
      keeping: {
        keepMs: this.config.audit.journalKeepMs,
        bytesMax: this.config.audit.journalMaxBytes,
      },
      partitions: this.config.audit.partitions,
      retention: {
        recordsMs: this.config.audit.retentionMs,
        textsMs: this.config.audit.contentRetentionMs,
        usageMs: this.config.audit.usageRetentionMs,
      },
    };
    const script = new URL(`./writer.worker${extname(import.meta.url)}`, import.meta.url);
    const worker = new Worker(script, { workerData: start });
    this.#worker = worker;
    return new Promise((resolve) => {
      worker.on('message', (message: WriterMessage) => this.#hear(message));
      worker.on('error', (error) => {
        this.logger.error('the writer died and will be replaced', { reason: error.message });
      });
      worker.on('exit', () => {
        this.#worker = undefined;
        this.#adopting.clear();
        resolve();
      });
    });
  }

  #hear(said: WriterMessage): void {
    if (said.kind === 'report') {
      this.logger[said.level](said.message, said.fields);
    } else if (said.kind === 'fault') {
      this.faults.set(said.fault, (this.faults.get(said.fault) ?? 0) + 1);
    } else if (said.isUnderWay) {
      this.#adopting.add(said.instanceId);
    } else {
      this.#adopting.delete(said.instanceId);
    }
  }

  async #committed(position: number): Promise<void> {
    const deadlineMs = this.clock.monotonicMs() + COMMIT_MS;
    while (this.progress.committedPosition < position) {
      const leftMs = deadlineMs - this.clock.monotonicMs();
      if (leftMs <= 0) throw new JournalRefusal('the database did not commit the start in time');
      await this.progress.committedBeyond(this.progress.committedPosition, leftMs);
    }
  }
}
