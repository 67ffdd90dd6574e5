import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDirectoryLocked } from '../../core/directory-lock.ts';
import { isJournalName, LATE, SET_ASIDE } from './journal-directories.ts';
import { countLines } from './line-file.ts';

/** What a folder of the journal holds. */
interface Holding {
  readonly bytes: number;
  readonly records: number;
  /** When the oldest file was written to last; Infinity where there is none. */
  readonly sinceMs: number;
}

/** The number of lines by path, for the size that the file had. */
type Counted = Map<string, { readonly bytes: number; readonly lines: number }>;

interface FileFacts {
  readonly path: string;
  readonly bytes: number;
  readonly writtenMs: number;
}

export interface SurveyOptions {
  /** Where the journals of all processes are that share a data directory. */
  readonly root: string;
  readonly ownId: string;
  /** Whether this process is about to store what another one left. */
  readonly isAdopting: (instanceId: string) => boolean;
}

const NOTHING: Holding = { bytes: 0, records: 0, sinceMs: Infinity };
const LINES = '.log';

/**
 * What is on the disk beside the own journal: those of dead processes and of others that live,
 * what is late, and what was set aside. Looked at again and again, from the process's main thread:
 * as long as there is no database, nobody else does.
 *
 * Of a dead process's journal only the database knows how much of it is stored, so all
 * that is left counts as waiting until somebody has asked.
 */
export class JournalSurvey {
  #bytes = 0;
  #orphans = NOTHING;
  #late = NOTHING;
  #setAside = NOTHING;
  #counted: Counted = new Map();

  constructor(private readonly options: SurveyOptions) {}

  /** Of everything but the own journal. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What dead processes have left for the database. */
  get orphans(): Holding {
    return this.#orphans;
  }

  get late(): Holding {
    return this.#late;
  }

  get setAside(): Holding {
    return this.#setAside;
  }

  /** Only how much it is, which calls wait for. */
  async weigh(): Promise<void> {
    await this.#list();
  }

  async look(): Promise<void> {
    const { journals, late, setAside } = await this.#list();
    const counted = this.#counted;
    this.#counted = new Map();
    let orphans = NOTHING;
    for (const [name, files] of journals) {
      if (this.#isOrphan(name)) orphans = sum(orphans, await this.#holding(files, counted));
    }
    this.#orphans = orphans;
    this.#late = await this.#holding(late, counted);
    this.#setAside = await this.#holding(setAside, counted);
  }

  async #list() {
    const { root, ownId } = this.options;
    const journals = new Map<string, readonly FileFacts[]>();
    for (const name of await readdir(root)) {
      if (isJournalName(name) && name !== ownId)
        journals.set(name, await filesIn(join(root, name)));
    }
    const [late, setAside] = [
      await filesIn(join(root, LATE)),
      await filesIn(join(root, SET_ASIDE)),
    ];
    this.#bytes = sizeOf([...journals.values(), late, setAside].flat());
    return { journals, late, setAside };
  }

  #isOrphan(name: string): boolean {
    const { root, isAdopting } = this.options;
    return isAdopting(name) || !isDirectoryLocked(join(root, name));
  }

  async #holding(files: readonly FileFacts[], counted: Counted): Promise<Holding> {
    let holding = NOTHING;
    for (const { path, bytes, writtenMs } of files) {
      if (!path.endsWith(LINES) || bytes === 0) continue;
      const known = counted.get(path);
      const lines = known?.bytes === bytes ? known.lines : await ifThere(countLines(path), 0);
      this.#counted.set(path, { bytes, lines });
      holding = sum(holding, { bytes, records: lines, sinceMs: writtenMs });
    }
    return holding;
  }
}

function sum(one: Holding, other: Holding): Holding {
  return {
    bytes: one.bytes + other.bytes,
    records: one.records + other.records,
    sinceMs: Math.min(one.sinceMs, other.sinceMs),
  };
}

function sizeOf(files: readonly FileFacts[]): number {
  return files.reduce((bytes, file) => bytes + file.bytes, 0);
}

/** Also of the folders within. What goes in the meantime is not there. */
async function filesIn(directory: string): Promise<FileFacts[]> {
  const entries = await ifThere(readdir(directory, { withFileTypes: true }), []);
  const files: FileFacts[] = [];
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      files.push(...(await filesIn(path)));
    } else {
      const facts = await ifThere(stat(path), undefined);
      if (facts) files.push({ path, bytes: facts.size, writtenMs: facts.mtimeMs });
    }
  }
  return files;
}

async function ifThere<T, U>(asked: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return otherwise;
    throw error;
  }
}
