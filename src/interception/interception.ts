import type { BridgeError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import { exhaustionError } from './exchange/exhaustion.ts';
import {
  callWithFailover,
  type Attempt,
  type Credential,
  type LogicalCall,
  relayedAnswerHeaders,
  type UpstreamFailure,
  withoutHeader,
} from '../upstream/index.ts';
import { AnswerRelay } from './answer/answer-relay.ts';
import type { Amendment, Api } from './apis/api.ts';
import { apiNamed } from './apis/apis.ts';
import { renderFault } from './exchange/bridge-fault.ts';
import { bridgeErrorOf, endingOf, finishAttempt } from './answer/ending.ts';
import type { Exchange } from './exchange/exchange.ts';
import { FrameFilter } from './answer/frame-filter.ts';
import { inspectAnswer, type Inspected } from './answer/inspect-answer.ts';
import { Ledger } from './record/ledger.ts';
import { openRecord, type RecordOptions } from './record/open-record.ts';
import { outgoingRequest, type OutgoingOptions } from './request/outgoing-request.ts';
import { startFacts } from './request/start-facts.ts';
import {
  receiveRequest,
  type ReceivedCall,
  type ReceivedRequest,
} from './request/received-request.ts';

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

  constructor(exchange: Exchange, options: InterceptionOptions) {
    this.#exchange = exchange;
    this.#options = options;
    this.#api = exchange.match.kind === 'bridged' ? apiNamed(exchange.match.api) : undefined;
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
    const request = await receiveRequest(this.#exchange, this.#api, bodyBytesMax);
    const ledger = await this.#begin(request);
    return { ledger, call: request.call, refusal: request.error };
  }

  /** Nothing goes upstream before this has resolved. */
  async #begin(request: ReceivedRequest): Promise<Ledger> {
    const { clock } = this.#options;
    const { receivedMs } = this.#exchange;
    const begun = { receivedMs, readMs: clock.monotonicMs(), prompt: request.facts.prompt };
    const facts = startFacts(this.#exchange, request);
    return new Ledger(await openRecord(this.#exchange, facts, this.#options), clock, begun);
  }

  async #serve(ledger: Ledger, received: ReceivedCall): Promise<void> {
    const { instance } = this.#exchange;
    const result = await callWithFailover(this.#call(ledger, received), instance.failover);
    received.body?.release();
    if (result.kind === 'answered') await this.#relay(ledger, result, received.hides);
    else if (result.kind === 'failed') await this.#fail(ledger, result.failure);
    else await this.#refuse(ledger, exhaustionError(result.exhausted));
  }

  #call(ledger: Ledger, received: ReceivedCall): LogicalCall<Inspected> {
    const { instance, credential, downstream, req } = this.#exchange;
    const outgoing = outgoingRequest(this.#exchange, received, this.#options);
    return {
      model: received.model,
      byok: credential && { kind: 'byok', ...credential },
      pool: instance.pool,
      signal: downstream.signal,
      send: (used) => instance.client.call(outgoing(used), downstream.signal),
      inspect: (answer, used) =>
        inspectAnswer(answer, {
          provider: instance.provider,
          api: this.#api,
          method: req.method ?? '',
          poolKey: poolKeyOf(used),
        }),
      nextOrdinal: () => ledger.nextOrdinal(),
      onAttempt: (finished) => ledger.attempt(finished),
    };
  }

  async #relay(
    ledger: Ledger,
    { inspected, attempt }: { inspected: Inspected; attempt: Attempt },
    hides: Amendment['hides'] | undefined,
  ): Promise<void> {
    const { downstream } = this.#exchange;
    const filter =
      hides && inspected.observer.framing === 'stream' ? new FrameFilter(hides) : undefined;
    if (inspected.messageId !== null) ledger.streaming(inspected.messageId);
    const relay = new AnswerRelay({
      inspected,
      downstream,
      filter,
      headers: this.#answerHeaders(inspected, attempt, filter !== undefined),
      inBandError: (failure) => this.#inBandError(failure),
      onFirstByte: () => ledger.firstByte(),
      settle: async (outcome) => {
        finishAttempt(attempt, inspected, outcome);
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

  #inBandError(failure: UpstreamFailure): string {
    const { id, instance } = this.#exchange;
    const error = bridgeErrorOf(failure);
    const { envelope } = renderFault(error, id, instance.provider);
    return (
      this.#api?.inBandError({ code: error.code, message: error.detail.public, envelope }) ?? ''
    );
  }

  /** No answer came, or none that is worth its name. */
  async #fail(ledger: Ledger, failure: UpstreamFailure): Promise<void> {
    if (failure.kind === 'aborted') await ledger.end({ status: 'aborted' });
    else await this.#refuse(ledger, bridgeErrorOf(failure));
  }

  /** Answers with an error of the bridge itself. */
  async #refuse(ledger: Ledger, error: BridgeError): Promise<void> {
    const { id, instance, downstream } = this.#exchange;
    const message = error.detail.public;
    await ledger.end({ status: 'failed', error: { type: error.code, message } });
    downstream.sendFault(renderFault(error, id, instance.provider), id);
  }
}

/** What callers sent themselves is no secret to them: their answers go down as they came. */
function poolKeyOf({ kind, secret }: Credential): Secret | undefined {
  return kind === 'centralized' && secret.isDistinctive ? secret : undefined;
}
