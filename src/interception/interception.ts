import type { BridgeError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import {
  breakerError,
  CallBound,
  callBehindBreaker,
  dumpedCall,
  type Answer,
  type Attempt,
  type GuardedResult,
  type Credential,
  exhaustionError,
  type LogicalCall,
  relayedAnswerHeaders,
  UpstreamFailure,
  type UpstreamRequest,
  withoutHeader,
} from '../upstream/index.ts';
import { AnswerRelay, type RelayOutcome, type RelayPlan } from './answer/answer-relay.ts';
import type { AnswerObserver } from './answer/answer-observer.ts';
import { NOTHING_FOUND, type Amendment, type Api, type InBandError } from './apis/api.ts';
import { apiNamed } from './apis/apis.ts';
import { sideRouteOf, type SideRoute } from './apis/side-routes.ts';
import { renderFault, type FaultPlace } from './exchange/bridge-fault.ts';
import {
  bridgeErrorOf,
  endingOf,
  finishAttempt,
  refusalInBand,
  vendorErrorOf,
} from './answer/ending.ts';
import type { Exchange } from './exchange/exchange.ts';
import { hidingFilter } from './answer/frame-filter.ts';
import { inspectAnswer, type Inspected } from './answer/inspect-answer.ts';
import { TurnRelay } from './answer/turn-relay.ts';
import { Ledger, type Ending } from './record/ledger.ts';
import { openRecord, type RecordOptions } from './record/open-record.ts';
import { outgoingRequest, type OutgoingOptions } from './request/outgoing-request.ts';
import { startFacts } from './request/start-facts.ts';
import { nextCall, type ReceivedCall } from './request/received-call.ts';
import { receiveRequest, type ReceivedRequest } from './request/received-request.ts';
import type { ToolLoop } from './tools/tool-loop.ts';
import type { ToolSettings } from './tools/tool-offer.ts';

export interface InterceptionOptions extends OutgoingOptions, RecordOptions {
  readonly bodyBytesMax: number;
  /** Undefined where the bridge has no tools of its own. */
  readonly tools: ToolSettings | undefined;
}

/**
 * The life of one request, for all APIs alike: receive, record the start, walk
 * the keys, relay, record the end.
 */
export class Interception {
  readonly #exchange: Exchange;
  readonly #options: InterceptionOptions;
  readonly #api: Api | undefined;
  readonly #sideRoute: SideRoute | undefined;
  /** Undefined for a request that was offered no tools of the bridge's. */
  #loop: ToolLoop | undefined;

  constructor(exchange: Exchange, options: InterceptionOptions) {
    this.#exchange = exchange;
    this.#options = options;
    const { match, req } = exchange;
    this.#api = match.kind === 'bridged' ? apiNamed(match.api) : undefined;
    this.#sideRoute =
      match.kind === 'bridged' ? undefined : sideRouteOf(req.method ?? '', match.upstreamPath);
  }

  /** Rejects when the caller hangs up before its request is there, or on a fault of ours. */
  async run(): Promise<void> {
    const { downstream } = this.#exchange;
    const { ledger, call, refusal } = await this.#open();
    try {
      if (refusal !== undefined) await this.#refuse(ledger, refusal);
      else await this.#serve(ledger, call);
    } catch (error) {
      // A fault of ours: the record must not stay open, nor the caller without an answer.
      await ledger.end({
        status: 'failed',
        error: { type: 'internal', message: 'Internal error.' },
      });
      throw error;
    } finally {
      if (downstream.isGone) await ledger.end({ status: 'aborted' });
    }
  }

  /** What was read of the request ends here: a long answer is not to keep it in memory. */
  async #open() {
    const { bodyBytesMax, tools } = this.#options;
    const reading = { api: this.#api, sideRoute: this.#sideRoute, bytesMax: bodyBytesMax, tools };
    const request = await receiveRequest(this.#exchange, reading);
    this.#loop = request.loop;
    const ledger = await this.#begin(request);
    return { ledger, call: request.call, refusal: request.error };
  }

  /** Nothing goes upstream before this has resolved. */
  async #begin(request: ReceivedRequest): Promise<Ledger> {
    const { clock } = this.#options;
    const { receivedMs } = this.#exchange;
    const { turn, notes } = request;
    const begun = { receivedMs, readMs: clock.monotonicMs(), prompts: turn.prompts, notes };
    const facts = startFacts(this.#exchange, request);
    return new Ledger(await openRecord(this.#exchange, facts, this.#options), clock, begun);
  }

  async #serve(ledger: Ledger, received: ReceivedCall): Promise<void> {
    const { instance, downstream } = this.#exchange;
    const bound = new CallBound(downstream.signal, instance.totalTimeoutMs);
    try {
      let call: ReceivedCall | undefined = received;
      while (call !== undefined) call = await this.#turn(ledger, call, bound.signal);
    } finally {
      bound.lift();
    }
  }

  /** One call of the provider. There is another one to be made where tools of the bridge's have answered. */
  async #turn(
    ledger: Ledger,
    received: ReceivedCall,
    signal: AbortSignal,
  ): Promise<ReceivedCall | undefined> {
    const { failover } = this.#exchange.instance;
    const result = await callBehindBreaker(this.#call(ledger, received, signal), failover);
    received.body?.release();
    if (result.kind === 'failed') await this.#fail(ledger, result);
    else if (result.kind === 'exhausted')
      await this.#refuse(ledger, exhaustionError(result.exhausted));
    else if (result.kind === 'breaker_open') await this.#refuse(ledger, breakerError(result));
    else if (this.#loop === undefined) await this.#relay(ledger, result, received.hides);
    else return this.#relayTurn(ledger, { result, received, loop: this.#loop, signal });
    return undefined;
  }

  #call(ledger: Ledger, received: ReceivedCall, signal: AbortSignal): LogicalCall<Inspected> {
    const { instance, match, credential, req } = this.#exchange;
    const outgoing = outgoingRequest(this.#exchange, received, this.#options);
    return {
      route: match.label,
      model: received.model,
      byok: credential && { kind: 'byok', ...credential },
      pool: instance.pool,
      signal,
      send: (attempt) =>
        this.#send(attempt, outgoing(), { turn: ledger.turn, model: received.model, signal }),
      inspect: (answer, used) =>
        inspectAnswer(answer, {
          provider: instance.provider,
          api: this.#api,
          sideRoute: this.#sideRoute,
          choicesAsked: received.choicesAsked,
          method: req.method ?? '',
          poolKey: poolKeyOf(used),
        }),
      nextOrdinal: () => ledger.nextOrdinal(),
      witness: ledger,
    };
  }

  async #send(
    attempt: Attempt,
    outgoing: UpstreamRequest,
    { turn, model, signal }: { turn: number; model: string; signal: AbortSignal },
  ): Promise<Answer> {
    const { id, instance } = this.#exchange;
    const request = await instance.authorised(outgoing, attempt.credential);
    const dump = instance.dumps?.begin(
      {
        interceptionId: id,
        turn,
        ordinal: attempt.ordinal,
        startedAtMs: attempt.startedAtMs,
        model: this.#api && model,
        secret: attempt.credential.secret,
      },
      request,
    );
    const call = instance.call(request, signal);
    return dump === undefined ? call : dumpedCall(call, dump);
  }

  async #relay(
    ledger: Ledger,
    answered: AnsweredCall,
    hides: Amendment['hides'] | undefined,
  ): Promise<void> {
    const { inspected, attempt } = answered;
    const isFiltered = hides !== undefined && inspected.observer.framing === 'stream';
    const relay = new AnswerRelay({
      ...this.#relayPlan(ledger, answered),
      filter: isFiltered ? hidingFilter(hides) : undefined,
      headers: this.#answerHeaders(inspected, attempt, isFiltered),
      settle: async (outcome) => {
        this.#said(answered, outcome);
        await this.#settle(ledger, inspected, outcome);
      },
    });
    await relay.run();
  }

  async #relayTurn(
    ledger: Ledger,
    { result, received, loop, signal }: AnsweredTurn,
  ): Promise<ReceivedCall | undefined> {
    const { inspected, attempt } = result;
    const { id, downstream } = this.#exchange;
    if (inspected.answer.status >= 300) {
      if (downstream.hasBegun) await this.#endWithRefusal(ledger, result, loop);
      else await this.#relay(ledger, result, undefined);
      return undefined;
    }
    const plan = this.#relayPlan(ledger, result);
    const relay = new TurnRelay({
      ...plan,
      headers: this.#answerHeaders(inspected, attempt, false),
      inBandError: (failure) => this.#inBandError(failure, loop.weaver),
      loop,
      hides: received.hides,
      signal,
      witness: {
        toolBegun: (call, tool) => ledger.toolBegun(inspected.observer.findings(), call, tool),
        note: (text) => ledger.note(text),
      },
      said: (outcome) => this.#said(result, outcome),
      settle: (outcome) => this.#settle(ledger, inspected, outcome),
      goesOn: (toolsMs) => {
        const { hasGaps } = inspected.observer;
        ledger.turnEnded(loop.told(inspected.observer.findings()), { hasGaps, toolsMs });
      },
      sendFault: (failure) =>
        downstream.sendFault(renderFault(bridgeErrorOf(failure), this.#place()), id),
    });
    const goesOn = await relay.run();
    if (!goesOn || this.#api === undefined) return undefined;
    const next = nextCall(this.#exchange, this.#api, loop.request);
    if (next.error === undefined) return next.call;
    await this.#refuse(ledger, next.error);
    return undefined;
  }

  /** The provider refuses a later turn: the caller's stream has begun and can only be ended. */
  async #endWithRefusal(ledger: Ledger, result: AnsweredCall, loop: ToolLoop): Promise<void> {
    const { inspected } = result;
    this.#said(result, COMPLETE);
    await this.#settle(ledger, inspected, COMPLETE);
    const failure = new UpstreamFailure('malformed', `status ${inspected.answer.status}`);
    const told = refusalInBand(inspected, this.#inBand(bridgeErrorOf(failure)));
    this.#exchange.downstream.end(loop.weaver.inBandError(told));
    inspected.body.cancel();
  }

  #relayPlan(
    ledger: Ledger,
    { inspected }: AnsweredCall,
  ): Omit<RelayPlan, 'filter' | 'headers' | 'settle'> {
    return {
      inspected,
      downstream: this.#exchange.downstream,
      inBandError: (failure) => this.#inBandError(failure, inspected.observer),
      onFirstByte: () => ledger.firstByte(),
      onBegun: (findings) => ledger.streaming(findings),
    };
  }

  async #settle(ledger: Ledger, inspected: Inspected, outcome: RelayOutcome): Promise<void> {
    const ending = endingOf(inspected, outcome, this.#exchange.instance.provider.failures);
    await ledger.end(this.#loop === undefined ? ending : toldBy(this.#loop, ending));
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
    const nowMs = this.#options.clock.nowMs();
    return { interceptionId: id, provider: instance.provider, nowMs };
  }

  /** No answer came, or none that is worth its name. */
  async #fail(ledger: Ledger, { failure, status }: FailedCall): Promise<void> {
    const known =
      status === null
        ? {}
        : { answer: { status, findings: NOTHING_FOUND, notes: [], hasGaps: false } };
    if (failure.kind === 'aborted') await ledger.end({ ...known, status: 'aborted' });
    else await this.#refuse(ledger, bridgeErrorOf(failure), known);
  }

  /** Answers with an error of the bridge itself. */
  async #refuse(
    ledger: Ledger,
    error: BridgeError,
    known: Pick<Ending, 'answer'> = {},
  ): Promise<void> {
    const { id, downstream } = this.#exchange;
    const message = error.detail.public;
    await ledger.end({ ...known, status: 'failed', error: { type: error.code, message } });
    if (downstream.hasBegun) downstream.end(this.#loop?.weaver.inBandError(this.#inBand(error)));
    else downstream.sendFault(renderFault(error, this.#place()), id);
  }
}

type AnsweredCall = Extract<GuardedResult<Inspected>, { kind: 'answered' }>;
interface AnsweredTurn {
  readonly result: AnsweredCall;
  readonly received: ReceivedCall;
  readonly loop: ToolLoop;
  readonly signal: AbortSignal;
}
type FailedCall = Extract<GuardedResult<Inspected>, { kind: 'failed' }>;

const COMPLETE: RelayOutcome = { kind: 'complete' };

/** What callers sent themselves is no secret to them: their answers go down as they came. */
function poolKeyOf({ kind, secret }: Credential): Secret | undefined {
  return kind === 'centralized' && secret.isDistinctive ? secret : undefined;
}

function toldBy(loop: ToolLoop, ending: Ending): Ending {
  const { answer } = ending;
  return answer
    ? { ...ending, answer: { ...answer, findings: loop.told(answer.findings) } }
    : ending;
}
