import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ExportedPage, Statement } from './export-page.ts';
import { END, type ExportStart, type PageReply, type PageRequest } from './export-protocol.ts';

/** Little, so that what is read and thrown away is collected soon: a page needs a few megabytes. */
const MEMORY = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 };

/**
 * Reads an export in a thread of its own. A million records leave a lot behind, which the heap of
 * the main thread would keep for long, as it has room; and it has provider calls to serve.
 */
export class ExportThread {
  readonly #worker: Worker;
  readonly #signal: AbortSignal;
  readonly #ended: Promise<unknown>;
  #spent: ArrayBuffer[] = [];

  constructor(start: ExportStart, signal: AbortSignal) {
    const script = new URL(`./export.worker${extname(import.meta.url)}`, import.meta.url);
    this.#worker = new Worker(script, { workerData: start, resourceLimits: MEMORY });
    // A thread may die between two pages too, such as when the database goes away.
    const dead = new AbortController();
    this.#worker.once('error', (error) => dead.abort(error));
    this.#ended = new Promise((resolve) => this.#worker.once('exit', resolve));
    void this.#ended.then(() => dead.abort());
    this.#signal = AbortSignal.any([signal, dead.signal]);
  }

  async page({ text, values }: Statement): Promise<ExportedPage> {
    const request: PageRequest = { text, values, spent: this.#spent };
    this.#worker.postMessage(request, this.#spent);
    this.#spent = [];
    const [reply]: PageReply[] = await once(this.#worker, 'message', { signal: this.#signal });
    if (reply?.kind === 'page') return reply.page;
    throw Object.assign(new Error(reply?.message), { code: reply?.code });
  }

  /** Gives the memory of a page back, once nobody reads it any more. */
  recycle({ bytes }: ExportedPage): void {
    this.#spent.push(bytes.buffer);
  }

  /** When the database has closed its connection too: it ends the statement that is under way first. */
  async close(): Promise<void> {
    this.#worker.postMessage(END);
    await this.#ended;
  }
}
