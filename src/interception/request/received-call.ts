import { BridgeError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Translation } from '../../providers/index.ts';
import type { Amendment, Api, RequestFacts } from '../apis/api.ts';
import type { RequestText } from '../apis/tool-dialect.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { HeldBody } from './held-body.ts';

type Translated = Extract<Translation, { kind: 'translated' }>;

/** What of a request is still needed once its start is recorded. */
export interface ReceivedCall {
  /** The one that is asked of the provider, which may have a name of its own for it. */
  readonly model: string;
  /** How many answers are asked for. */
  readonly choicesAsked: number;
  /** What goes upstream: what came, or what the audit needs in its place. */
  readonly body: HeldBody | undefined;
  readonly isAmended: boolean;
  /** How the provider is asked that does not take the words of the API. */
  readonly translated: Pick<Translated, 'path' | 'headers'> | undefined;
  /** Tells the frames of the answer that are none of the caller's business, where there may be any. */
  readonly hides: Amendment['hides'] | undefined;
}

export interface ReadRequest {
  readonly facts: RequestFacts;
  readonly parsed: JsonObject;
  readonly json: Buffer;
  /** As it came. */
  readonly body: Buffer;
}

export interface CallOutcome {
  readonly call: ReceivedCall;
  readonly notes: readonly string[];
  readonly error: BridgeError | undefined;
}

/** What goes upstream to go on from an earlier call of the same request. */
export function nextCall(exchange: Exchange, api: Api, { json, body }: RequestText): CallOutcome {
  const facts = api.readRequest(body);
  const outcome = callOf(exchange, api, { facts, parsed: body, json, body: json });
  return { ...outcome, call: { ...outcome.call, isAmended: true } };
}

/** What goes upstream, and what there is to say of it. */
export function callOf({ instance, req }: Exchange, api: Api, request: ReadRequest): CallOutcome {
  const { parsed, json } = request;
  const valuesOf = (header: string): readonly string[] => req.headersDistinct[header] ?? [];
  const translation = instance.translator?.request({ json, parsed, valuesOf });
  if (translation === undefined) return inItsOwnWords(api, request);
  const call = { ...plainCall(request), model: translation.model, isAmended: true };
  if (translation.kind === 'refused') {
    const error = new BridgeError('bad_request', { public: translation.reason });
    return { call: { ...call, body: undefined }, notes: [], error };
  }
  const { path, headers, notes } = translation;
  const sent = { body: new HeldBody(translation.json), translated: { path, headers } };
  return { call: { ...call, ...sent }, notes, error: undefined };
}

function inItsOwnWords(api: Api, request: ReadRequest): CallOutcome {
  const amendment = api.amendRequest?.(request.parsed, request.json);
  const call = plainCall(request);
  if (amendment === undefined) return { call, notes: [], error: undefined };
  const { json, hides } = amendment;
  const amended = { ...call, body: new HeldBody(json), isAmended: true, hides };
  return { call: amended, notes: [], error: undefined };
}

function plainCall({ facts, body }: ReadRequest): ReceivedCall {
  return {
    model: facts.model,
    choicesAsked: facts.choicesAsked ?? 1,
    body: new HeldBody(body),
    isAmended: false,
    translated: undefined,
    hides: undefined,
  };
}
