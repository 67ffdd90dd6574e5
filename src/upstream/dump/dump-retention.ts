import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { hasCode } from '../../core/error-code.ts';
import { readDumpName } from './dump-name.ts';

export interface DumpBounds {
  readonly fileBytesMax: number;
  readonly filesMax: number;
  readonly keepMs: number;
}

interface Found {
  readonly folder: string;
  readonly name: string;
  readonly atMs: number;
  readonly attempt: string;
}

/**
 * Keeps the dumps of one provider few and young: the oldest go, all files of an attempt
 * together, and folders with their last file. Looks at the disk each time, because a
 * bridge before this one, or beside it, has dumps there, too.
 */
export class DumpRetention {
  readonly #directory: string;
  readonly #bounds: DumpBounds;
  readonly #clock: Clock;
  /** Room is made for so many files at once, so that not every file costs a look. */
  readonly #roomMax: number;
  #room = 0;

  constructor(directory: string, bounds: DumpBounds, clock: Clock) {
    this.#directory = directory;
    this.#bounds = bounds;
    this.#clock = clock;
    this.#roomMax = Math.ceil(bounds.filesMax / 10);
  }

  /** To be called before a file is made. Rejects where there is no room and none can be made. */
  async makeRoom(): Promise<void> {
    if (this.#room === 0) await this.sweep();
    this.#room -= 1;
  }

  async sweep(): Promise<void> {
    const found = await this.#find();
    const oldestMs = this.#clock.nowMs() - this.#bounds.keepMs;
    const surplus = found.length - (this.#bounds.filesMax - this.#roomMax);
    const lastSurplus = found[surplus - 1]?.attempt;
    const removed = found.filter(
      ({ atMs, attempt }, index) => atMs < oldestMs || index < surplus || attempt === lastSurplus,
    );
    for (const { folder, name } of removed) {
      await rm(join(this.#directory, folder, name), { force: true });
    }
    for (const folder of new Set(removed.map((each) => each.folder))) {
      await this.#removeIfEmpty(folder);
    }
    this.#room = this.#roomMax;
  }

  /** Oldest first. */
  async #find(): Promise<Found[]> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const folders = await readdir(this.#directory, { withFileTypes: true });
    const found: Found[] = [];
    for (const folder of folders) {
      if (!folder.isDirectory()) continue;
      const names = await readdir(join(this.#directory, folder.name)).catch(noneIfMissing);
      for (const name of names) {
        const read = readDumpName(name);
        if (read !== undefined) found.push({ ...read, folder: folder.name, name });
      }
    }
    return found.toSorted((a, b) => a.atMs - b.atMs || (a.name < b.name ? -1 : 1));
  }

  async #removeIfEmpty(folder: string): Promise<void> {
    try {
      await rmdir(join(this.#directory, folder));
    } catch (error) {
      if (!hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) throw error;
    }
  }
}

function noneIfMissing(error: unknown): [] {
  if (hasCode(error, 'ENOENT')) return [];
  throw error;
}
