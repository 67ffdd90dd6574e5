import type { Clock } from '../../core/clock.ts';
import type { BridgeError } from '../../core/errors.ts';
import {
  relayedAnswerHeaders,
  UpstreamFailure,
  withoutHeader,
  type Attempt,
  type GuardedResult,
} from '../../upstream/index.ts';
import { NOTHING_FOUND, type Amendment, type InBandError } from '../apis/api.ts';
import { renderFault, type FaultPlace } from '../exchange/bridge-fault.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Ending, Ledger } from '../record/ledger.ts';
import type { ToolLoop } from '../tools/tool-loop.ts';
import type { AnswerObserver } from './answer-observer.ts';
import { AnswerRelay, type RelayOutcome, type RelayPlan } from './answer-relay.ts';
import { bridgeErrorOf, endingOf, finishAttempt, refusalInBand, vendorErrorOf } from './ending.ts';
import { hidingFilter } from './frame-filter.ts';
import { poolKeyOf, type Inspected } from './inspect-answer.ts';
import { TurnRelay } from './turn-relay.ts';

export type AnsweredCall = Extract<GuardedResult<Inspected>, { kind: 'answered' }>;
export type FailedCall = Extract<GuardedResult<Inspected>, { kind: 'failed' }>;

interface WayBackParts {
  readonly exchange: Exchange;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Undefined for a request that was offered no tools of the bridge's. */
  readonly loop: ToolLoop | undefined;
}

interface TurnParts {
  readonly loop: ToolLoop;
  readonly hides: Amendment['hides'] | undefined;
  readonly signal: AbortSignal;
}

/** All that one caller gets: answers and errors, each with its end in the record before its last byte. */
export class WayBack {
  readonly #exchange: Exchange;
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #loop: ToolLoop | undefined;

  constructor({ exchange, ledger, clock, loop }: WayBackParts) {
    this.#exchange = exchange;
    this.#ledger = ledger;
    this.#clock = clock;
    this.#loop = loop;
  }

  /** No answer came, or none that is worth its name. */
  async fail({ failure, status }: FailedCall): Promise<void> {
    const known =
      status === null
        ? {}
        : { answer: { status, findings: NOTHING_FOUND, notes: [], hasGaps: false } };
    if (failure.kind === 'aborted') await this.#ledger.end({ ...known, status: 'aborted' });
    else await this.refuse(bridgeErrorOf(failure), known);
  }

  /** Answers with an error of the bridge itself. */
  async refuse(error: BridgeError, known: Pick<Ending, 'answer'> = {}): Promise<void> {
    const { id, downstream } = this.#exchange;
    const message = error.detail.public;
    await this.#ledger.end({ ...known, status: 'failed', error: { type: error.code, message } });
    if (downstream.hasBegun) downstream.end(this.#loop?.weaver.inBandError(this.#inBand(error)));
    else downstream.sendFault(renderFault(error, this.#place()), id);
  }

  async relay(answered: AnsweredCall, hides: Amendment['hides'] | undefined): Promise<void> {
    const { inspected, attempt } = answered;
    const isFiltered = hides !== undefined && inspected.observer.framing === 'stream';
    const relay = new AnswerRelay({
      ...this.#relayPlan(answered),
      filter: isFiltered ? hidingFilter(hides) : undefined,
      headers: this.#answerHeaders(inspected, attempt, isFiltered),
      settle: async (outcome) => {
        this.#said(answered, outcome);
        await this.#settle(inspected, outcome);
      },
    });
    await relay.run();
  }

  /** Sends what of one turn is the caller's. Answers whether another turn follows. */
  async relayTurn(answered: AnsweredCall, parts: TurnParts): Promise<boolean> {
    const { inspected } = answered;
    if (inspected.answer.status < 300) return this.#turnRelay(answered, parts).run();
    if (this.#exchange.downstream.hasBegun) await this.#endWithRefusal(answered, parts.loop);
    else await this.relay(answered, undefined);
    return false;
  }

  #turnRelay(answered: AnsweredCall, { loop, hides, signal }: TurnParts): TurnRelay {
    const { inspected, attempt } = answered;
    const { observer } = inspected;
    const { id, downstream } = this.#exchange;
    const ledger = this.#ledger;
    return new TurnRelay({
      ...this.#relayPlan(answered),
      headers: this.#answerHeaders(inspected, attempt, false),
      inBandError: (failure) => this.#inBandError(failure, loop.weaver),
      loop,
      hides,
      signal,
      witness: {
        toolBegun: (call, tool) => ledger.toolBegun(observer.findings(), call, tool),
        note: (text) => ledger.note(text),
      },
      said: (outcome) => this.#said(answered, outcome),
      settle: (outcome) => this.#settle(inspected, outcome),
      goesOn: (toolsMs) =>
        ledger.turnEnded(loop.told(observer.findings()), { hasGaps: observer.hasGaps, toolsMs }),
      sendFault: (failure) =>
        downstream.sendFault(renderFault(bridgeErrorOf(failure), this.#place()), id),
    });
  }

  /** The provider refuses a later turn: the caller's stream has begun and can only be ended. */
  async #endWithRefusal(answered: AnsweredCall, loop: ToolLoop): Promise<void> {
    const { inspected } = answered;
    this.#said(answered, COMPLETE);
    await this.#settle(inspected, COMPLETE);
    const failure = new UpstreamFailure('malformed', `status ${inspected.answer.status}`);
    const told = refusalInBand(inspected, this.#inBand(bridgeErrorOf(failure)));
    this.#exchange.downstream.end(loop.weaver.inBandError(told));
    inspected.body.cancel();
  }

  #relayPlan({ inspected }: AnsweredCall): Omit<RelayPlan, 'filter' | 'headers' | 'settle'> {
    return {
      inspected,
      downstream: this.#exchange.downstream,
      inBandError: (failure) => this.#inBandError(failure, inspected.observer),
      onFirstByte: () => this.#ledger.firstByte(),
      onBegun: (findings) => this.#ledger.streaming(findings),
    };
  }

  async #settle(inspected: Inspected, outcome: RelayOutcome): Promise<void> {
    const ending = endingOf(inspected, outcome, this.#exchange.instance.provider.failures);
    await this.#ledger.end(this.#loop === undefined ? ending : toldBy(this.#loop, ending));
  }

  /** The provider has said what it says. */
  #said({ inspected, attempt, openedWith, relayed }: AnsweredCall, outcome: RelayOutcome): void {
    const { openingError } = inspected.observer;
    if (inspected.error === undefined && openingError !== undefined) openedWith(openingError);
    const error = vendorErrorOf(inspected);
    finishAttempt(attempt, inspected, { outcome, error });
    relayed({ kind: outcome.kind, error });
  }

  #answerHeaders({ answer, observer }: Inspected, { credential }: Attempt, isFiltered: boolean) {
    const relayed = relayedAnswerHeaders(answer.headers, poolKeyOf(credential));
    return [
      ...(isFiltered ? withoutHeader(relayed, 'content-length') : relayed),
      // Proxies on the way down are not to collect a stream before they pass it on.
      ...(observer.framing === 'stream' ? ['x-accel-buffering', 'no'] : []),
      'x-aibridge-interception-id',
      this.#exchange.id,
    ];
  }

  #inBandError(failure: UpstreamFailure, writer: Pick<AnswerObserver, 'inBandError'>): string {
    return writer.inBandError(this.#inBand(bridgeErrorOf(failure)));
  }

  #inBand(error: BridgeError): InBandError {
    const { message, envelope } = renderFault(error, this.#place());
    return { code: error.code, message, interceptionId: this.#exchange.id, envelope };
  }

  #place(): FaultPlace {
    const { id, instance } = this.#exchange;
    const nowMs = this.#clock.nowMs();
    return { interceptionId: id, provider: instance.provider, nowMs };
  }
}

const COMPLETE: RelayOutcome = { kind: 'complete' };

function toldBy(loop: ToolLoop, ending: Ending): Ending {
  const { answer } = ending;
  return answer
    ? { ...ending, answer: { ...answer, findings: loop.told(answer.findings) } }
    : ending;
}
