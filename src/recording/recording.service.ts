import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { BridgeConfig } from '../config/index.ts';
import { Clock } from '../core/clock.ts';
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
import { Recorder } from './journal/recorder.ts';
import { STOP, type WriterReport, type WriterStart } from './writer/writer-protocol.ts';

const RESTART_MS = 1_000;
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
  readonly #root: string;
  readonly #stopping = new AbortController();
  #owned: OwnedJournal | undefined;
  #journal: Journal | undefined;
  #recorder: Recorder | undefined;
  #worker: Worker | undefined;

  constructor(
    private readonly config: BridgeConfig,
    private readonly clock: Clock,
    private readonly database: DatabaseService,
    private readonly logger: Logger,
  ) {
    this.instanceId = uuidv7(clock.nowMs());
    this.#root = join(config.dataDir, 'journal');
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
    const { durability, onFailure, journalMaxBytes, content } = this.config.audit;
    this.#journal = new Journal({
      directory: this.#owned.directory,
      bytesMax: journalMaxBytes,
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
    void this.#runWriter();
  }

  /** After the last request has ended. What the database does not take in time stays in the journal. */
  async stop(): Promise<void> {
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
      journalRoot: this.#root,
      instance: { id: this.instanceId, version: VERSION, host: hostname() },
      progressMemory: this.progress.memory,
      retention: {
        recordsMs: this.config.audit.retentionMs,
        textsMs: this.config.audit.contentRetentionMs,
      },
    };
    const script = new URL(`./writer.worker${extname(import.meta.url)}`, import.meta.url);
    const worker = new Worker(script, { workerData: start });
    this.#worker = worker;
    return new Promise((resolve) => {
      worker.on('message', (report: WriterReport) => {
        this.logger[report.level](report.message, report.fields);
      });
      worker.on('error', (error) => {
        this.logger.error('the writer died and will be replaced', { reason: error.message });
      });
      worker.on('exit', () => {
        this.#worker = undefined;
        resolve();
      });
    });
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
