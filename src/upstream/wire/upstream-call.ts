import type { Dispatcher } from 'undici';
import { abortedBy } from './call-bound.ts';
import { failureOf, UpstreamFailure, type AnswerProgress } from './upstream-failure.ts';

/** Names and values in turn, as they stood on the wire. */
export type RawHeaders = readonly string[];

export interface Answer {
  readonly status: number;
  readonly headers: RawHeaders;
  readonly body: AnswerBody;
}

/** A provider's answer, pulled chunk by chunk: what is not pulled holds the provider back. */
export interface AnswerBody {
  /** The next bytes, or undefined at a proper end. Rejects with an `UpstreamFailure`. */
  read(): Promise<Buffer | undefined>;
  /** Gives up the rest and frees the connection. */
  cancel(): void;
}

export interface CallTimeouts {
  /** From sending the request to the first byte of the answer's body. */
  readonly firstByteMs: number;
  /** Between two chunks, while somebody is waiting for the second. */
  readonly idleMs: number;
}

const QUEUED_BYTES_MAX = 64 * 1024;

/**
 * One request to a provider. Undici pushes what arrives; the relay pulls it. Time
 * counts only while somebody waits for the provider, so a caller that reads
 * slowly is never mistaken for a provider that has stalled.
 */
export class UpstreamCall implements Dispatcher.DispatchHandler, AnswerBody {
  readonly answer: Promise<Answer>;
  readonly #settleAnswer: PromiseWithResolvers<Answer>;
  #controller: Dispatcher.DispatchController | undefined;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #isEnded = false;
  #failure: UpstreamFailure | undefined;
  #reader: PromiseWithResolvers<Buffer | undefined> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastLook: NodeJS.Immediate | undefined;
  #progress: AnswerProgress = 'none';
  #hasBody = false;

  constructor(
    private readonly timeouts: CallTimeouts,
    private readonly signal: AbortSignal,
  ) {
    this.#settleAnswer = Promise.withResolvers();
    this.answer = this.#settleAnswer.promise;
    signal.addEventListener('abort', this.#onAbort);
    this.#startTimer(timeouts.firstByteMs);
  }

  read(): Promise<Buffer | undefined> {
    const chunk = this.#queue.shift();
    if (chunk !== undefined) {
      this.#queuedBytes -= chunk.length;
      if (this.#queuedBytes === 0 && this.#controller?.paused === true) this.#controller.resume();
      return Promise.resolve(chunk);
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isEnded) return Promise.resolve(undefined);
    if (this.#hasBody) this.#startTimer(this.timeouts.idleMs);
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }

  cancel(): void {
    this.#fail(new UpstreamFailure('aborted', 'the answer is no longer wanted'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#failure !== undefined) controller.abort(this.#failure);
  }

  onResponseStarted(): void {
    this.#progress = 'begun';
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    // Interim answers are taken out before, unless there is no end of them.
    if (status < 200) {
      this.#fail(new UpstreamFailure('malformed', 'the provider sent too many interim answers'));
      return;
    }
    this.#progress = 'head';
    this.#settleAnswer.resolve({ status, headers: textHeaders(controller.rawHeaders), body: this });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#hasBody = true;
    this.#stopTimer();
    if (this.#reader !== undefined) {
      const reader = this.#reader;
      this.#reader = undefined;
      reader.resolve(chunk);
      return;
    }
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes >= QUEUED_BYTES_MAX) controller.pause();
  }

  onResponseEnd(): void {
    this.#isEnded = true;
    this.#release();
    this.#reader?.resolve(undefined);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(failureOf(error, this.#progress));
  }

  readonly #onAbort = (): void => {
    this.#fail(abortedBy(this.signal));
  };

  #fail(failure: UpstreamFailure): void {
    if (this.#failure !== undefined || this.#isEnded) return;
    this.#failure = failure;
    this.#release();
    this.#controller?.abort(failure);
    this.#settleAnswer.reject(failure);
    this.#reader?.reject(failure);
  }

  #release(): void {
    this.#stopTimer();
    this.signal.removeEventListener('abort', this.#onAbort);
  }

  #startTimer(ms: number): void {
    this.#stopTimer();
    const seconds = ms / 1000;
    const giveUp = (): void => {
      this.#fail(new UpstreamFailure('timeout', `nothing came from the provider for ${seconds} s`));
    };
    // When this process was held up, what came meanwhile is still unread: it gets to be read first.
    // That a connection broke is told a turn after it is read.
    this.#timer = setTimeout(() => {
      this.#lastLook = setImmediate(() => {
        this.#lastLook = setImmediate(giveUp);
      });
    }, ms);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#lastLook);
  }
}

/** Undici hands HTTP/1 headers over as the bytes they were. */
function textHeaders(raw: Dispatcher.DispatchController['rawHeaders']): RawHeaders {
  if (!Array.isArray(raw)) return [];
  return raw.map((item) => (typeof item === 'string' ? item : item.toString('latin1')));
}
