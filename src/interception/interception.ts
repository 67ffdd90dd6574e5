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
  type UpstreamFailure,
  type UpstreamRequest,
  withoutHeader,
} from '../upstream/index.ts';
import { AnswerRelay } from './answer/answer-relay.ts';
import { NOTHING_FOUND, type Amendment, type Api } from './apis/api.ts';
import { apiNamed } from './apis/apis.ts';
import { sideRouteOf, type SideRoute } from './apis/side-routes.ts';
import { renderFault, type FaultPlace } from './exchange/bridge-fault.ts';
import { bridgeErrorOf, endingOf, finishAttempt, vendorErrorOf } from './answer/ending.ts';
import type { Exchange } from './exchange/exchange.ts';
import { FrameFilter } from './answer/frame-filter.ts';
import { inspectAnswer, type Inspected } from './answer/inspect-answer.ts';
import { Ledger, type Ending } from './record/ledger.ts';
import { openRecord, type RecordOptions } from './record/open-record.ts';
import { outgoingRequest, type OutgoingOptions } from './request/outgoing-request.ts';
import { startFacts } from './request/start-facts.ts';
import type { ReceivedCall } from './request/received-call.ts';
import { receiveRequest, type ReceivedRequest } from './request/received-request.ts';

export interface InterceptionOptions extends OutgoingOptions, RecordOptions {
  readonly bodyBytesMax: number;
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
    const { bodyBytesMax } = this.#options;
    const reading = { api: this.#api, sideRoute: this.#sideRoute };
    const request = await receiveRequest(this.#exchange, reading, bodyBytesMax);
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
      const call = this.#call(ledger, received, bound.signal);
      const result = await callBehindBreaker(call, instance.failover);
      received.body?.release();
      if (result.kind === 'answered') await this.#relay(ledger, result, received.hides);
      else if (result.kind === 'failed') await this.#fail(ledger, result);
      else if (result.kind === 'exhausted')
        await this.#refuse(ledger, exhaustionError(result.exhausted));
      else await this.#refuse(ledger, breakerError(result));
    } finally {
      bound.lift();
    }
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
      send: (attempt) => this.#send(attempt, outgoing(), received.model, signal),
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
    model: string,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { id, instance } = this.#exchange;
    const request = await instance.authorised(outgoing, attempt.credential);
    const dump = instance.dumps?.begin(
      {
        interceptionId: id,
        turn: 1,
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
    { inspected, attempt, openedWith, relayed }: AnsweredCall,
    hides: Amendment['hides'] | undefined,
  ): Promise<void> {
    const { downstream } = this.#exchange;
    const filter =
      hides && inspected.observer.framing === 'stream' ? new FrameFilter(hides) : undefined;
    const relay = new AnswerRelay({
      inspected,
      downstream,
      filter,
      headers: this.#answerHeaders(inspected, attempt, filter !== undefined),
      inBandError: (failure) => this.#inBandError(failure, inspected),
      onFirstByte: () => ledger.firstByte(),
      onBegun: (findings) => ledger.streaming(findings),
      settle: async (outcome) => {
        const { openingError } = inspected.observer;
        if (inspected.error === undefined && openingError !== undefined) openedWith(openingError);
        const error = vendorErrorOf(inspected);
        finishAttempt(attempt, inspected, { outcome, error });
        relayed({ kind: outcome.kind, error });
        await ledger.end(endingOf(inspected, outcome, this.#exchange.instance.provider.failures));
      },
    });
    await relay.run();
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

  #inBandError(failure: UpstreamFailure, { observer }: Inspected): string {
    const error = bridgeErrorOf(failure);
    const { message, envelope } = renderFault(error, this.#place());
    const { id } = this.#exchange;
    return observer.inBandError({ code: error.code, message, interceptionId: id, envelope });
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
    downstream.sendFault(renderFault(error, this.#place()), id);
  }
}

type AnsweredCall = Extract<GuardedResult<Inspected>, { kind: 'answered' }>;
type FailedCall = Extract<GuardedResult<Inspected>, { kind: 'failed' }>;

/** What callers sent themselves is no secret to them: their answers go down as they came. */
function poolKeyOf({ kind, secret }: Credential): Secret | undefined {
  return kind === 'centralized' && secret.isDistinctive ? secret : undefined;
}
