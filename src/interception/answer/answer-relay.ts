import { headerValue, UpstreamFailure } from '../../upstream/index.ts';
import { isCut } from './answer-observer.ts';
import { Beginning } from './beginning.ts';
import type { Findings } from '../apis/api.ts';
import type { Downstream } from '../exchange/downstream.ts';
import type { FrameFilter } from './frame-filter.ts';
import type { Inspected } from './inspect-answer.ts';

/** How an answer ended. Who is to blame is decided where it shows, at the read or at the write. */
export type RelayOutcome =
  | { readonly kind: 'complete' }
  | { readonly kind: 'caller_left' }
  | { readonly kind: 'upstream_failed'; readonly failure: UpstreamFailure };

export interface RelayPlan {
  readonly inspected: Inspected;
  readonly downstream: Downstream;
  /** Takes out of a stream what is not for the caller; undefined where all of it is. */
  readonly filter: FrameFilter | undefined;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** The frame that tells the caller of a stream that it went wrong. */
  readonly inBandError: (failure: UpstreamFailure) => string;
  readonly onFirstByte: () => void;
  /** Called when an answer that goes on has named itself, before the caller has that. */
  readonly onBegun: (findings: Findings) => void;
  /**
   * Records how the answer ended. Called once, and before the last byte that
   * makes the answer whole goes down: who has a whole answer finds its record.
   */
  readonly settle: (outcome: RelayOutcome) => Promise<void>;
}

/**
 * Sends an answer down as it comes. Every chunk is shown to the observer and
 * passed on at once; only the one that completes the answer waits for the record.
 */
export class AnswerRelay {
  readonly #plan: RelayPlan;
  readonly #announcedBytes: number;
  #relayedBytes = 0;
  readonly #beginning: Beginning;
  #isSettled = false;

  constructor(plan: RelayPlan) {
    this.#plan = plan;
    const length = headerValue(plan.inspected.answer.headers, 'content-length');
    this.#announcedBytes = Number(length ?? NaN);
    this.#beginning = new Beginning(plan.inspected.observer, plan.onBegun);
  }

  async run(): Promise<void> {
    const { inspected, downstream, headers } = this.#plan;
    const { body } = inspected;
    if (body.isDrained) await this.#settle({ kind: 'complete' });
    downstream.begin(inspected.answer.status, headers);
    // The head travels with the first bytes, unless those may be far away.
    if (!body.hasPeeked) downstream.flushHead();
    const outcome = await this.#relayBody();
    // Before the record reads half a frame as far as it came: to the caller that is none.
    const isTold = this.#isTold();
    await this.#settle(outcome);
    await this.#send(this.#plan.filter?.rest());
    if (outcome.kind === 'upstream_failed') this.#endBroken(outcome.failure, isTold);
    else downstream.end();
    if (outcome.kind !== 'complete') body.cancel();
  }

  async #relayBody(): Promise<RelayOutcome> {
    const { inspected, downstream } = this.#plan;
    try {
      for (;;) {
        const chunk = await inspected.body.read();
        if (chunk === undefined) return await this.#outcomeAtEnd();
        await this.#pass(chunk);
        if (downstream.isGone) return { kind: 'caller_left' };
      }
    } catch (error) {
      if (!(error instanceof UpstreamFailure)) throw error;
      if (downstream.isGone) return { kind: 'caller_left' };
      return { kind: 'upstream_failed', failure: error };
    }
  }

  async #pass(chunk: Buffer): Promise<void> {
    const { inspected, downstream, filter, onFirstByte } = this.#plan;
    const { observer } = inspected;
    observer.chunk(chunk);
    this.#relayedBytes += chunk.length;
    if (this.#relayedBytes === chunk.length) onFirstByte();
    const isWhole = this.#isWhole();
    if (!isWhole) this.#beginning.look();
    if (isWhole) await this.#settle({ kind: 'complete' });
    if (isWhole && observer.framing === 'length') downstream.end(chunk);
    else await this.#send(filter === undefined ? chunk : filter.pass(chunk));
  }

  async #send(bytes: Buffer | undefined): Promise<void> {
    if (bytes !== undefined && bytes.length > 0) await this.#plan.downstream.write(bytes);
  }

  /** The stream's last event, the announced length, or the known end of a short body. */
  #isWhole(): boolean {
    const { body, observer } = this.#plan.inspected;
    if (observer.framing === 'stream') return observer.isComplete;
    return this.#relayedBytes === this.#announcedBytes || body.isDrained;
  }

  async #outcomeAtEnd(): Promise<RelayOutcome> {
    const { observer } = this.#plan.inspected;
    await observer.end();
    if (!isCut(observer)) return { kind: 'complete' };
    const failure = new UpstreamFailure('truncated', 'the stream ended without its last event');
    return { kind: 'upstream_failed', failure };
  }

  async #settle(outcome: RelayOutcome): Promise<void> {
    if (this.#isSettled) return;
    this.#isSettled = true;
    await this.#plan.inspected.observer.end();
    await this.#plan.settle(outcome);
  }

  /** Whether the provider's own error event, or its last one, has gone down already. */
  #isTold(): boolean {
    const { observer } = this.#plan.inspected;
    return observer.isComplete || observer.findings().error !== undefined;
  }

  /** A stream says in its own words that it went wrong; a body of announced length can only break off. */
  #endBroken(failure: UpstreamFailure, isTold: boolean): void {
    const { inspected, downstream, inBandError } = this.#plan;
    const { observer } = inspected;
    if (observer.framing !== 'stream') {
      downstream.destroy();
      return;
    }
    if (isTold) downstream.end();
    else downstream.end(`${observer.isBetweenFrames ? '' : '\n\n'}${inBandError(failure)}`);
  }
}
