import { parseObject } from '../../core/json.ts';
import { abortedBy, UpstreamFailure, withoutHeader } from '../../upstream/index.ts';
import type { Amendment } from '../apis/api.ts';
import type { ToolLoop, ToolWitness } from '../tools/tool-loop.ts';
import { isCut, READ_BYTES_MAX } from './answer-observer.ts';
import type { RelayOutcome, RelayPlan } from './answer-relay.ts';
import { Beginning } from './beginning.ts';
import { FrameFilter } from './frame-filter.ts';

export interface TurnPlan extends Omit<RelayPlan, 'filter'> {
  readonly loop: ToolLoop;
  /** Frames that are none of the caller's business, whichever turn they are of. */
  readonly hides: Amendment['hides'] | undefined;
  /** Aborted when the caller has gone, or the call has taken too long. */
  readonly signal: AbortSignal;
  readonly witness: ToolWitness;
  /** The provider has said all that it says in this turn; tools may run now. Called once. */
  readonly said: (outcome: RelayOutcome) => void;
  /** Called when another turn follows, in place of `settle`. */
  readonly goesOn: (toolsMs: number) => void;
  /** Answers with an error of the bridge where nothing of an answer has gone down. */
  readonly sendFault: (failure: UpstreamFailure) => void;
}

/** A caller that waits for tools hears this often that it is not forgotten. */
const KEEP_ALIVE_MS = 10_000;
/** How long the end of a body may be behind the end of what it says, for its connection to be used again. */
const TRAILING_MS = 50;
/** How much of what follows the end of a stream is handed on. */
const TRAILING_BYTES_MAX = 16 * 1024;

/**
 * Sends down what of one turn is the caller's, as it comes, and keeps back what ends it until it
 * is known whether another turn follows. An answer that is no stream is kept back as a whole.
 */
export class TurnRelay {
  readonly #plan: TurnPlan;
  readonly #filter: FrameFilter | undefined;
  readonly #beginning: Beginning;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  /** The caller has yet to take that it is not forgotten. */
  #isTelling = false;

  constructor(plan: TurnPlan) {
    this.#plan = plan;
    this.#beginning = new Beginning(plan.inspected.observer, plan.onBegun);
    const isStream = plan.inspected.observer.framing === 'stream';
    this.#filter = isStream ? this.#newFilter((frame) => plan.loop.weaver.frame(frame)) : undefined;
  }

  /** Whether another turn follows. */
  async run(): Promise<boolean> {
    const { inspected, loop } = this.#plan;
    const outcome = await this.#relayed();
    if (outcome.kind !== 'complete') inspected.body.cancel();
    this.#plan.said(outcome);
    const end = await this.#finish(outcome);
    if (end === 'goes_on') return true;
    // Of a body the caller gets its first byte now: the record is to tell of it.
    if (this.#filter === undefined && end.kind === 'complete') this.#plan.onFirstByte();
    await this.#plan.settle(end);
    if (end.kind === 'complete') this.#send(loop.ending);
    else if (end.kind === 'upstream_failed') this.#breakOff(end.failure);
    return false;
  }

  /** The caller gets one answer, so that all turns of it are of one kind. */
  #relayed(): RelayOutcome | Promise<RelayOutcome> {
    const isStream = this.#filter !== undefined;
    if (!this.#plan.loop.takes(isStream ? 'stream' : 'body')) {
      const failure = new UpstreamFailure('malformed', 'not all turns of the answer are streams');
      return { kind: 'upstream_failed', failure };
    }
    if (isStream) this.#begin();
    return this.#relayBody();
  }

  async #relayBody(): Promise<RelayOutcome> {
    const { inspected, downstream } = this.#plan;
    const { body, observer } = inspected;
    try {
      for (;;) {
        const chunk = await body.read();
        if (chunk === undefined) return await this.#outcomeAtEnd();
        await this.#pass(chunk);
        if (downstream.isGone) return { kind: 'caller_left' };
        if (!observer.isComplete) continue;
        await this.#passTrailing();
        return { kind: 'complete' };
      }
    } catch (error) {
      if (!(error instanceof UpstreamFailure)) throw error;
      return downstream.isGone
        ? { kind: 'caller_left' }
        : { kind: 'upstream_failed', failure: error };
    }
  }

  /** All has been said: what becomes of the connection is no failure any more. */
  async #passTrailing(): Promise<void> {
    const { body } = this.#plan.inspected;
    try {
      await body.peek(() => false, { bytesMax: TRAILING_BYTES_MAX, timeMaxMs: TRAILING_MS });
    } catch (error) {
      if (!(error instanceof UpstreamFailure)) throw error;
    }
    if (!body.isEnded) body.cancel();
    if (this.#filter === undefined) return;
    await this.#show(Buffer.concat([this.#filter.pass(body.peeked), this.#filter.rest()]));
  }

  async #pass(chunk: Buffer): Promise<void> {
    const { observer } = this.#plan.inspected;
    const isStream = this.#filter !== undefined;
    observer.chunk(chunk);
    this.#bytes += chunk.length;
    const isReadable = isStream ? observer.framing === 'stream' : this.#bytes <= READ_BYTES_MAX;
    if (!isReadable) throw new UpstreamFailure('malformed', 'the answer is too long to be read');
    if (this.#filter === undefined) {
      this.#chunks.push(chunk);
      return;
    }
    if (this.#bytes === chunk.length) this.#plan.onFirstByte();
    if (!observer.isComplete) this.#beginning.look();
    await this.#show(this.#filter.pass(chunk));
  }

  async #show(bytes: Buffer): Promise<void> {
    const { downstream } = this.#plan;
    if (bytes.length > 0) await downstream.write(bytes);
  }

  async #outcomeAtEnd(): Promise<RelayOutcome> {
    const { observer } = this.#plan.inspected;
    await observer.end();
    if (this.#filter === undefined) return this.#outcomeOfBody();
    if (!isCut(observer)) {
      // The last frame counts also where its end is missing.
      await this.#show(this.#filter.rest());
      return { kind: 'complete' };
    }
    const failure = new UpstreamFailure('truncated', 'the stream ended without its last event');
    return { kind: 'upstream_failed', failure };
  }

  #outcomeOfBody(): RelayOutcome {
    const json = Buffer.concat(this.#chunks);
    const body = parseObject(json.toString('utf8'));
    if (body === undefined) {
      const failure = new UpstreamFailure('malformed', 'the answer is not a JSON object');
      return { kind: 'upstream_failed', failure };
    }
    this.#plan.loop.weaver.body(json, body);
    return { kind: 'complete' };
  }

  /** Has tools run for what the provider has said, if it has said all. */
  async #finish(outcome: RelayOutcome): Promise<RelayOutcome | 'goes_on'> {
    const { inspected, loop, signal, witness, downstream } = this.#plan;
    if (outcome.kind !== 'complete') return outcome;
    const isError = inspected.observer.findings().error !== undefined;
    if (isError) {
      loop.giveUp();
      return outcome;
    }
    const startedMs = performance.now();
    if (this.#filter !== undefined) downstream.flushHead();
    const waiting = setInterval(() => this.#keepAlive(), KEEP_ALIVE_MS);
    try {
      const end = await loop.finishTurn(witness, signal);
      if (end === 'last') return outcome;
      if (end === 'defiant') return { kind: 'upstream_failed', failure: defiance() };
      this.#plan.goesOn(performance.now() - startedMs);
      return 'goes_on';
    } catch (error) {
      if (!signal.aborted) throw error;
      if (downstream.isGone) return { kind: 'caller_left' };
      return { kind: 'upstream_failed', failure: abortedBy(signal) };
    } finally {
      clearInterval(waiting);
    }
  }

  /** A caller that reads nothing has enough of them already. */
  #keepAlive(): void {
    if (this.#filter === undefined || this.#isTelling) return;
    const { downstream, loop } = this.#plan;
    this.#isTelling = true;
    void downstream.write(loop.weaver.keepAlive).then(() => (this.#isTelling = false));
  }

  #begin(): void {
    const { downstream, inspected, headers } = this.#plan;
    if (!downstream.hasBegun)
      downstream.begin(inspected.answer.status, withoutHeader(headers, 'content-length'));
  }

  #send(ending: Buffer): void {
    const { downstream, inspected, headers } = this.#plan;
    if (this.#filter !== undefined) {
      const filter = this.#newFilter((frame) => frame);
      downstream.end(Buffer.concat([filter.pass(ending), filter.rest()]));
      return;
    }
    const length = ['content-length', String(ending.length)];
    downstream.begin(inspected.answer.status, [
      ...withoutHeader(headers, 'content-length'),
      ...length,
    ]);
    downstream.end(ending);
  }

  /** A stream says in its own words that it went wrong; of a body nothing has gone down. */
  #breakOff(failure: UpstreamFailure): void {
    const { downstream, inBandError, inspected, sendFault } = this.#plan;
    if (!downstream.hasBegun) sendFault(failure);
    // The provider's own error has gone down already where it stood in the stream.
    else downstream.end(inspected.observer.findings().error ? undefined : inBandError(failure));
  }

  #newFilter(weave: (frame: Buffer) => Buffer | undefined): FrameFilter {
    const { hides } = this.#plan;
    const edit = (frame: Buffer): Buffer | undefined => {
      const shown = weave(frame);
      return shown === undefined || hides?.(shown) === true ? undefined : shown;
    };
    return new FrameFilter(edit, Infinity);
  }
}

function defiance(): UpstreamFailure {
  return new UpstreamFailure('malformed', 'the model called a tool where it was not to');
}
