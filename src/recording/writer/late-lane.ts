import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { tryLockDirectory } from '../../core/directory-lock.ts';
import { errorText } from '../../core/errors.ts';
import { waited } from '../../core/waited.ts';
import type { RecordEvent } from '../journal/events.ts';
import { LATE } from '../journal/journal-directories.ts';
import { syncDirectory } from '../journal/journal-files.ts';
import { decodeLine, encodeLine } from '../journal/journal-line.ts';
import type { RecordStore } from '../store/record-store.ts';
import type { SetAside } from './set-aside.ts';

const SUFFIX = '.log';
const LINE_FEED = 0x0a;
const POLL_MS = 5_000;
const BACKOFF_MS_MAX = 5 * 60_000;

/** Resolves when the event is on the disk. Doing it again changes nothing. */
export async function putLate(root: string, event: RecordEvent): Promise<string> {
  const directory = join(root, LATE);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const name = `${'rowId' in event ? event.rowId : `${event.id}-${event.kind}`}${SUFFIX}`;
  const [written, file] = [join(directory, `${name}.new`), join(directory, name)];
  const handle = await open(written, 'w', 0o600);
  try {
    await handle.writeFile(encodeLine(event));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(written, file);
  await syncDirectory(directory);
  return file;
}

/** The names of the late records, oldest first. */
export async function lateRecords(root: string): Promise<string[]> {
  const directory = join(root, LATE);
  if (!existsSync(directory)) return [];
  return (await readdir(directory)).filter((name) => name.endsWith(SUFFIX)).toSorted();
}

export interface LateReports {
  setAside(what: SetAside): Promise<void>;
  storedLate(file: string): void;
  failed(what: string, reason: string): void;
}

/**
 * Stores, one after the other and beside the writer, the records that take longer than a batch may,
 * whichever process put them there: they stay on the disk until the store has them. Of several
 * processes with one journal folder, one does it.
 */
export class LateLane {
  #waitMs = POLL_MS;
  /** What the store did not take the last time comes last, as it may keep it busy for long. */
  readonly #tried = new Set<string>();

  /** `store`: one that gives a record the time it needs. */
  constructor(
    private readonly store: RecordStore,
    private readonly reports: LateReports,
    private readonly root: string,
  ) {}

  async run(stop: AbortSignal): Promise<void> {
    do {
      try {
        const isDone = await this.#storeAll(stop);
        this.#waitMs = isDone ? POLL_MS : Math.min(BACKOFF_MS_MAX, this.#waitMs * 2);
      } catch (error) {
        this.reports.failed('storing late records', errorText(error));
      }
    } while (await waited(this.#waitMs, stop));
  }

  /** Answers false when the store did not take something. */
  async #storeAll(stop: AbortSignal): Promise<boolean> {
    if ((await lateRecords(this.root)).length === 0) return true;
    const lock = tryLockDirectory(join(this.root, LATE));
    if (lock === undefined) return true;
    try {
      let isDone = true;
      for (const name of this.#inOrder(await lateRecords(this.root))) {
        if (stop.aborted) break;
        const isStored = await this.#storeOne(join(this.root, LATE, name));
        if (isStored) this.#tried.delete(name);
        else this.#tried.add(name);
        isDone = isStored && isDone;
      }
      return isDone;
    } finally {
      lock.release();
    }
  }

  #inOrder(names: readonly string[]): string[] {
    const isTried = (name: string): boolean => this.#tried.has(name);
    return [...names.filter((name) => !isTried(name)), ...names.filter(isTried)];
  }

  async #storeOne(file: string): Promise<boolean> {
    const bytes = await readFile(file);
    const line = bytes.at(-1) === LINE_FEED ? bytes.subarray(0, -1) : bytes;
    const decoded = decodeLine(line.toString());
    if (decoded.kind === 'event') {
      const failure = await this.store.store([decoded.event]);
      if (failure === undefined) {
        this.reports.storedLate(file);
      } else if (failure.kind === 'rejected' || failure.kind === 'unstarted') {
        await this.reports.setAside({ event: decoded.event, reason: failure.reason });
      } else {
        this.reports.failed('storing a late record', failure.reason);
        return false;
      }
    } else {
      await this.reports.setAside({ file, offset: 0, reason: decoded.kind, bytes: line });
    }
    await unlink(file);
    return true;
  }
}
