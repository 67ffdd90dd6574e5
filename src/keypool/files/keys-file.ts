import { createHash } from 'node:crypto';
import { watch, type FSWatcher } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { errorText } from '../../core/errors.ts';

export interface KeysFileWatch {
  readonly path: string;
  /** Called with the whole text, once for each text that was not there before. */
  readonly onText: (text: string) => void;
  /** Called when the file cannot be read, once until it can be again. */
  readonly onUnreadable: (reason: string) => void;
}

/** A file is written in several steps; a list of keys that is half there is not to be used. */
const SETTLE_MS = 100;
/** For file systems that tell nobody, such as network drives and some container mounts. */
const POLL_MS = 10_000;

/**
 * Watches the text of a file by way of its directory, because files are replaced by
 * renaming another one and Kubernetes turns a symbolic link next to them.
 */
export class KeysFile {
  readonly #watch: KeysFileWatch;
  #watcher: FSWatcher | undefined;
  #settling: NodeJS.Timeout | undefined;
  #polling: NodeJS.Timeout | undefined;
  #reading: Promise<void> = Promise.resolve();
  /** Of the last text, which is not kept: keys have one place in memory, and it is not here. */
  #digest: string | undefined;
  #isReadable = true;

  constructor(watched: KeysFileWatch) {
    this.#watch = watched;
  }

  start(): void {
    this.#polling = setInterval(() => this.#read(), POLL_MS).unref();
    try {
      this.#watcher = watch(path.dirname(this.#watch.path), { persistent: false }, () => {
        this.#settling ??= setTimeout(() => this.#read(), SETTLE_MS);
      });
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // No watcher to be had, of which there is a limited number: the poll does it.
    }
    this.#read();
  }

  async stop(): Promise<void> {
    clearInterval(this.#polling);
    clearTimeout(this.#settling);
    this.#watcher?.close();
    await this.#reading;
  }

  #read(): void {
    clearTimeout(this.#settling);
    this.#settling = undefined;
    this.#reading = this.#reading.then(() => this.#compare());
  }

  async #compare(): Promise<void> {
    try {
      const text = await readFile(this.#watch.path, 'utf8');
      this.#isReadable = true;
      const digest = createHash('sha256').update(text).digest('hex');
      if (digest === this.#digest) return;
      this.#digest = digest;
      this.#watch.onText(text);
    } catch (error) {
      if (this.#isReadable) this.#watch.onUnreadable(errorText(error));
      this.#isReadable = false;
    }
  }
}
