import { constants } from 'node:fs';
import { mkdir, open, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from '../../core/error-code.ts';
import type { DumpAccount, DumpResult } from './dump-account.ts';
import { CUT } from './dump-name.ts';
import type { DumpJob, DumpQueue } from './dump-queue.ts';
import type { DumpRetention } from './dump-retention.ts';

/** What the files of one provider have in common. */
export interface DumpShelf {
  readonly provider: string;
  readonly fileBytesMax: number;
  readonly queue: DumpQueue;
  readonly retention: DumpRetention;
  readonly account: DumpAccount;
}

/** What a piece that waits takes besides its bytes. */
const PIECE_BYTES = 200;
const { O_WRONLY, O_APPEND } = constants;

/**
 * One file, written in the background. It takes what fits: of a file with a hole nobody
 * could tell what passed, so after the first loss nothing more is written. It is opened
 * for each write, so an answer that is open for an hour holds no file open.
 */
export class DumpFile implements DumpJob {
  readonly #path: string;
  readonly #shelf: DumpShelf;
  #unwritten: Buffer[] = [];
  #takenBytes = 0;
  #length = 0;
  #isMade = false;
  #isEnded = false;
  #result: DumpResult | undefined;

  constructor(path: string, shelf: DumpShelf) {
    this.#path = path;
    this.#shelf = shelf;
  }

  /** False after the first loss and after the end. */
  get isTaking(): boolean {
    return this.#result === undefined && !this.#isEnded;
  }

  /** Neither waits nor throws. */
  append(bytes: Buffer): void {
    if (!this.isTaking || bytes.length === 0) return;
    const { fileBytesMax, queue } = this.#shelf;
    const fitting = bytes.subarray(0, fileBytesMax - this.#length);
    const takenBytes = fitting.length + PIECE_BYTES;
    if (!queue.take(takenBytes)) {
      this.#conclude('overload');
      return;
    }
    this.#takenBytes += takenBytes;
    this.#length += fitting.length;
    this.#unwritten.push(holdingNoMore(fitting));
    queue.add(this);
    if (fitting.length < bytes.length) this.#conclude('too_large');
  }

  end(): void {
    this.#isEnded = true;
    // What never got to the disk is not to wait for it either.
    if (this.#isMade || this.#unwritten.length > 0) this.#shelf.queue.add(this);
  }

  async run(): Promise<void> {
    const [first, ...more] = this.#unwritten;
    const bytes = more.length > 0 ? Buffer.concat(this.#unwritten) : first;
    const takenBytes = this.#forget();
    try {
      if (bytes !== undefined && bytes.length > 0) await this.#write(bytes);
      if (this.#isEnded && this.#unwritten.length === 0) await this.#settle();
    } catch (error) {
      await this.#fail(error);
    } finally {
      this.#shelf.queue.giveBack(takenBytes);
    }
  }

  /** Answers what is to be given back for it. */
  #forget(): number {
    const takenBytes = this.#takenBytes;
    this.#unwritten = [];
    this.#takenBytes = 0;
    return takenBytes;
  }

  async #write(bytes: Buffer): Promise<void> {
    const handle = this.#isMade ? await open(this.#path, O_WRONLY | O_APPEND) : await this.#make();
    this.#isMade = true;
    try {
      await handle.writeFile(bytes);
    } finally {
      await handle.close();
    }
  }

  async #make(): Promise<FileHandle> {
    await this.#shelf.retention.makeRoom();
    try {
      return await open(this.#path, 'ax', 0o600);
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      return open(this.#path, 'ax', 0o600);
    }
  }

  async #settle(): Promise<void> {
    if (this.#result === undefined) this.#conclude('whole');
    else if (this.#result !== 'whole') await this.#markCut();
  }

  #conclude(result: Exclude<DumpResult, 'failed'>): void {
    this.#result = result;
    this.#shelf.account.counted(this.#shelf.provider, result);
  }

  async #fail(cause: unknown): Promise<void> {
    this.#shelf.queue.giveBack(this.#forget());
    const { account, provider } = this.#shelf;
    if (this.#result === undefined) {
      this.#result = 'failed';
      account.failed(provider, cause);
    }
    try {
      await this.#markCut();
    } catch {
      // Where there is no file any more, there is none to be mistaken for a whole one.
    }
  }

  async #markCut(): Promise<void> {
    if (!this.#isMade) return;
    this.#isMade = false;
    await rename(this.#path, this.#path + CUT);
  }
}

/** A small chunk would hold on to the large buffer that it was read into. */
function holdingNoMore(bytes: Buffer): Buffer {
  return bytes.length * 2 > bytes.buffer.byteLength ? bytes : Buffer.from(bytes);
}
