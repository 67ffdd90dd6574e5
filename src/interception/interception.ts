import type { BridgeError } from '../core/errors.ts';
import {
  breakerError,
  CallBound,
  callBehindBreaker,
  dumpedCall,
  type Answer,
  type Attempt,
  exhaustionError,
  type LogicalCall,
  type UpstreamRequest,
} from '../upstream/index.ts';
import { inspectAnswer, poolKeyOf, type Inspected } from './answer/inspect-answer.ts';
import { WayBack } from './answer/way-back.ts';
import type { Api } from './apis/api.ts';
import { apiNamed } from './apis/apis.ts';
import { sideRouteOf, type SideRoute } from './apis/side-routes.ts';
import type { Exchange } from './exchange/exchange.ts';
import { Ledger } from './record/ledger.ts';
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
    const opened = await this.#open();
    const { ledger, refusal } = opened;
    try {
      if (refusal !== undefined) await opened.back.refuse(refusal);
      else await this.#serve(opened);
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
  async #open(): Promise<Opened> {
    const { bodyBytesMax, tools, clock } = this.#options;
    const reading = { api: this.#api, sideRoute: this.#sideRoute, bytesMax: bodyBytesMax, tools };
    const request = await receiveRequest(this.#exchange, reading);
    const { call, loop, error: refusal } = request;
    const ledger = await this.#begin(request);
    const back = new WayBack({ exchange: this.#exchange, ledger, clock, loop });
    return { ledger, back, call, loop, refusal };
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

  async #serve(opened: Opened): Promise<void> {
    const { instance, downstream } = this.#exchange;
    const bound = new CallBound(downstream.signal, instance.totalTimeoutMs);
    try {
      let call: ReceivedCall | undefined = opened.call;
      while (call !== undefined) call = await this.#turn(opened, call, bound.signal);
    } finally {
      bound.lift();
    }
  }

  /** One call of the provider. Answers the next one, where tools of the bridge's have been called. */
  async #turn(
    { ledger, back, loop }: Opened,
    call: ReceivedCall,
    signal: AbortSignal,
  ): Promise<ReceivedCall | undefined> {
    const { failover } = this.#exchange.instance;
    const result = await callBehindBreaker(this.#call(ledger, call, signal), failover);
    call.body?.release();
    const { hides } = call;
    if (result.kind === 'failed') await back.fail(result);
    else if (result.kind === 'exhausted') await back.refuse(exhaustionError(result.exhausted));
    else if (result.kind === 'breaker_open') await back.refuse(breakerError(result));
    else if (loop === undefined) await back.relay(result, hides);
    else if (await back.relayTurn(result, { loop, hides, signal })) return this.#next(back, loop);
    return undefined;
  }

  async #next(back: WayBack, loop: ToolLoop): Promise<ReceivedCall | undefined> {
    if (this.#api === undefined) return undefined;
    const { call, error } = nextCall(this.#exchange, this.#api, loop.request);
    if (error === undefined) return call;
    await back.refuse(error);
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
}

/** A request whose start is recorded. */
interface Opened {
  readonly ledger: Ledger;
  readonly back: WayBack;
  readonly call: ReceivedCall;
  /** Undefined for a request that was offered no tools of the bridge's. */
  readonly loop: ToolLoop | undefined;
  /** It goes no further than the record. */
  readonly refusal: BridgeError | undefined;
}
