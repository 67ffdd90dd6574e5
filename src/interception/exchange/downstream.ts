import type { ServerResponse } from 'node:http';
import { headerValue } from '../../upstream/index.ts';
import type { RenderedFault } from './bridge-fault.ts';

/** How long a caller that is still sending has to notice that it has been answered. */
const LINGER_MS = 2_000;

/**
 * The caller's side of an exchange. Knows when the caller has gone, and holds
 * whoever writes until the caller has room for more.
 */
export class Downstream {
  readonly #res: ServerResponse;
  readonly #gone = new AbortController();
  readonly #stallMs: number;
  /** Callers of HTTP/1.0 take the end of the connection for the end of the body. */
  #endsWithConnection = false;

  /** `stallMs`: a caller that takes nothing for this long counts as gone. */
  constructor(res: ServerResponse, stallMs: number) {
    this.#res = res;
    this.#stallMs = stallMs;
    res.on('close', () => {
      if (!res.writableFinished) this.#gone.abort();
    });
    if (res.destroyed) this.#gone.abort();
  }

  /** Aborted when the caller has gone before its answer was complete. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  get isGone(): boolean {
    return this.#gone.signal.aborted;
  }

  get hasBegun(): boolean {
    return this.#res.headersSent;
  }

  /** `headers` are names and values in turn. */
  begin(status: number, headers: readonly string[]): void {
    this.#res.writeHead(status, [...headers]);
    this.#endsWithConnection =
      !this.#res.chunkedEncoding && headerValue(headers, 'content-length') === undefined;
  }

  /** Sends the head alone, for an answer whose first byte may be far away. */
  flushHead(): void {
    this.#res.flushHeaders();
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.isGone || this.#res.write(chunk)) return;
    await this.#roomForMore();
  }

  end(chunk?: Uint8Array | string): void {
    if (!this.isGone && !this.#res.writableEnded) this.#res.end(chunk);
  }

  /**
   * Answers with an error of the bridge. A caller that is still sending its body
   * gets the answer first and a moment to read it: closing at once would reset
   * the connection, and the answer with it.
   */
  sendFault(fault: RenderedFault, interceptionId: string): void {
    if (this.isGone || this.hasBegun) return;
    const body = JSON.stringify(fault.envelope);
    const { req } = this.#res;
    this.begin(fault.status, [
      ...fault.headers,
      'content-length',
      String(Buffer.byteLength(body)),
      'x-aibridge-interception-id',
      interceptionId,
      ...(req.complete ? [] : ['connection', 'close']),
    ]);
    if (req.complete) {
      this.#res.end(body);
      return;
    }
    this.#res.write(body);
    req.resume();
    const finish = (): void => {
      clearTimeout(timer);
      this.#res.end();
    };
    const timer = setTimeout(finish, LINGER_MS);
    req.once('end', finish).once('close', finish);
  }

  /** Breaks the connection off: the one way to say that a body is not whole. */
  destroy(): void {
    // Where any end looks like a proper one, only a reset does not.
    if (this.#endsWithConnection) this.#res.socket?.resetAndDestroy();
    this.#res.destroy();
  }

  #roomForMore(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#res.off('drain', done).off('close', done);
        resolve();
      };
      const timer = setTimeout(() => {
        this.destroy();
        done();
      }, this.#stallMs);
      this.#res.on('drain', done).on('close', done);
    });
  }
}
