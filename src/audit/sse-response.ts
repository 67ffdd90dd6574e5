import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** A reader that takes nothing for so long is gone, or might as well be. */
const STALL_MS = 30_000;

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
};

export interface SseMessage {
  readonly event: string;
  readonly id?: string;
  readonly data: unknown;
}

/** A stream of events to one reader; what is written waits for the reader and is never queued up. */
export class SseResponse {
  readonly #res: ServerResponse;
  readonly #gone = new AbortController();
  readonly signal: AbortSignal;

  constructor(res: ServerResponse, stopping: AbortSignal) {
    this.#res = res;
    this.signal = AbortSignal.any([this.#gone.signal, stopping]);
    res.once('close', () => this.#gone.abort());
    res.writeHead(200, HEADERS).flushHeaders();
  }

  async send(messages: readonly SseMessage[]): Promise<void> {
    await this.#write(messages.map(rendered).join(''));
  }

  /** Keeps connections open that would be closed for silence, and finds those that are gone. */
  async heartbeat(): Promise<void> {
    await this.#write(': heartbeat\n\n');
  }

  end(): void {
    this.#res.end();
  }

  async #write(text: string): Promise<void> {
    if (text === '' || this.signal.aborted || this.#res.write(text)) return;
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(STALL_MS)]);
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
