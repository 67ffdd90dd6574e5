import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';

import type { Cut } from './behaviours/delivery.ts';
import type { Call, Outcome } from './call.ts';
import type { Step } from './plan.ts';
import { wallClockMs } from './wall-clock.ts';

/** Carries out a plan on one connection and writes down in the call what left, and how it ended. */
export class Transmission {
  readonly #call: Call;
  readonly #res: ServerResponse;
  /** Settles what is waiting on a connection that is gone. */
  #onClose: (() => void) | null = null;
  /** How the connection was broken off; when that was is known only when it has gone. */
  #broken: 'cut' | 'reset' | undefined;

  constructor(call: Call, res: ServerResponse) {
    this.#call = call;
    this.#res = res;
    res.once('close', () => {
      if (this.#broken !== undefined) this.#ended(this.#broken);
      else if (!res.writableFinished && call.outcome === null) call.clientClosed(wallClockMs());
      this.#onClose?.();
    });
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (this.#call.outcome !== null) return;
      await this.#perform(step);
    }
  }

  async #perform(step: Step): Promise<void> {
    switch (step.do) {
      case 'wait':
        if (this.#res.headersSent) this.#res.flushHeaders();
        return this.#call.gate.wait(step.ms);
      case 'head':
        this.#call.sent.head(step.status, step.headers, wallClockMs());
        this.#res.writeHead(step.status, step.headers);
        return undefined;
      case 'write':
        return this.#write(step.bytes);
      case 'write_socket':
        return this.#writeSocket(step.bytes);
      case 'end':
        await this.#settled((done) => this.#res.end(done));
        return this.#ended('completed');
      case 'cut':
        return this.#cut(step.how);
    }
  }

  /** Waits until the kernel has the bytes and the event loop has turned: each piece is a write of its own. */
  async #write(bytes: Buffer): Promise<void> {
    const chunk = this.#call.sent.body(bytes, wallClockMs());
    await this.#settled((done) => this.#res.write(bytes, done));
    chunk.leftAtMs = wallClockMs();
    await setImmediate();
  }

  async #writeSocket(bytes: Buffer): Promise<void> {
    const chunk = this.#call.sent.body(bytes, wallClockMs());
    await this.#settled((done) => this.#res.socket?.end(bytes, done));
    chunk.leftAtMs = wallClockMs();
    this.#ended('completed');
    this.#res.socket?.destroy();
  }

  async #cut(how: Cut['end']): Promise<void> {
    if (how === 'clean') {
      await this.#settled((done) => this.#res.end(done));
      return this.#ended('cut');
    }
    if (this.#res.headersSent) {
      this.#res.flushHeaders();
      await this.#settled((done) => this.#res.socket?.write('', done));
    }
    this.#broken = how === 'reset' ? 'reset' : 'cut';
    await this.#settled(() => {
      const { socket } = this.#res;
      if (how === 'reset') socket?.resetAndDestroy();
      else socket?.destroy();
    });
    return this.#ended(this.#broken);
  }

  /** Runs a write with its callback; a closed connection settles it too. */
  async #settled(write: (done: () => void) => void): Promise<void> {
    if (this.#res.closed) return;
    await new Promise<void>((resolve) => {
      this.#onClose = resolve;
      write(resolve);
    });
    this.#onClose = null;
  }

  #ended(outcome: Outcome): void {
    this.#call.end(outcome, wallClockMs());
  }
}
