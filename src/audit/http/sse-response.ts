import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { readerGone } from './reader-gone.ts';

export interface SseMessage {
  readonly event: string;
  readonly id?: string;
  readonly data: unknown;
}

export interface SseTimes {
  /** A reader that takes nothing for so long is gone, or might as well be. */
  readonly stallMs: number;
  /** Between two signs of life, whatever else there is to say. */
  readonly heartbeatMs: number;
}

const TIMES: SseTimes = { stallMs: 30_000, heartbeatMs: 15_000 };
/** What is written at once: little enough for a slow reader to take some of it before it counts as stalled. */
const PART_LENGTH = 16 * 1024;

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
};

/** A stream of events to one reader; what is written waits for the reader and is never queued up. */
export class SseResponse {
  readonly #res: ServerResponse;
  readonly #times: SseTimes;
  readonly signal: AbortSignal;
  #reachedId: string | undefined;

  constructor(res: ServerResponse, stopping: AbortSignal, times = TIMES) {
    this.#res = res;
    this.#times = times;
    const gone = readerGone(res);
    this.signal = AbortSignal.any([gone, stopping]);
    if (gone.aborted) return;
    const heartbeat = setInterval(() => this.#showLife(), times.heartbeatMs);
    gone.addEventListener('abort', () => clearInterval(heartbeat));
    res.writeHead(200, HEADERS).flushHeaders();
    // Who asks for the head alone has all of it.
    if (res.req.method === 'HEAD') res.end();
  }

  async send(messages: readonly SseMessage[]): Promise<void> {
    let part = '';
    for (const message of messages) {
      part += rendered(message);
      if (part.length < PART_LENGTH) continue;
      await this.#write(part);
      part = '';
    }
    await this.#write(part);
  }

  /** Tells the reader at once that the stream has begun, and where. */
  async begin(id: string): Promise<void> {
    this.#reachedId = id;
    await this.#write(this.#signOfLife());
  }

  /**
   * Where the reader goes on from if it has to come back. Told with every heartbeat: an id that
   * stands in no event changes what a reader names as its last one and nothing else, so that also
   * one to whom nothing happens comes back to a recent place.
   */
  reached(id: string): void {
    this.#reachedId = id;
  }

  end(): void {
    this.#res.end();
  }

  /** Keeps connections open that would be closed for silence, and finds those that are gone. */
  #showLife(): void {
    if (!this.#isOver() && !this.#res.writableNeedDrain) this.#res.write(this.#signOfLife());
  }

  #signOfLife(): string {
    return `: heartbeat\n${this.#reachedId === undefined ? '' : `id: ${this.#reachedId}\n`}\n`;
  }

  #isOver(): boolean {
    return this.signal.aborted || this.#res.writableEnded;
  }

  async #write(text: string): Promise<void> {
    if (text === '' || this.#isOver() || this.#res.write(text)) return;
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(this.#times.stallMs)]);
    try {
      await once(this.#res, 'drain', { signal });
    } catch {
      this.#res.destroy();
    }
  }
}

function rendered({ event, id, data }: SseMessage): string {
  const named = id === undefined ? '' : `id: ${id}\n`;
  return `event: ${event}\n${named}data: ${JSON.stringify(data)}\n\n`;
}
