import { BridgeError } from '../../core/errors.ts';
import { parseObject, type JsonObject } from '../../core/json.ts';
import type { Api, RequestFacts, TurnPart } from '../apis/api.ts';
import type { SideRoute } from '../apis/side-routes.ts';
import type { RequestText } from '../apis/tool-dialect.ts';
import { detectClient, type DetectedClient } from './clients/client-detection.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { HeldBody } from './held-body.ts';
import { offerTools, type Offer, type ToolSettings } from '../tools/tool-offer.ts';
import type { ToolLoop } from '../tools/tool-loop.ts';
import { callOf, nextCall, type ReceivedCall } from './received-call.ts';
import { readRequestBody } from './request-body.ts';
import { decodeForReading } from './request-decoding.ts';
import { NO_FACTS, readSideRequest } from './side-request.ts';
import { NO_TURN, readUserTurn, type UserTurn } from './user-turn.ts';

/** A request as far as it could be read. With an error in it, it goes no further than the record. */
export interface ReceivedRequest {
  readonly facts: RequestFacts;
  readonly client: DetectedClient;
  readonly turn: UserTurn;
  readonly call: ReceivedCall;
  /** Undefined where the request was offered none of the bridge's tools. */
  readonly loop: ToolLoop | undefined;
  /** What there is to say of it in the record. */
  readonly notes: readonly string[];
  readonly error: BridgeError | undefined;
}

/** What a request is read with. */
interface Reading {
  readonly api: Api | undefined;
  readonly sideRoute: SideRoute | undefined;
  readonly bytesMax: number;
  readonly tools: ToolSettings | undefined;
}

/** Rejects only when the caller hangs up (`CallerGone`). */
export async function receiveRequest(
  exchange: Exchange,
  { api, sideRoute, bytesMax, tools }: Reading,
): Promise<ReceivedRequest> {
  const { req } = exchange;
  try {
    const body = await readRequestBody(req, bytesMax);
    if (api === undefined) return await receiveAside(exchange, body, sideRoute);
    const json = await decodeForReading(body, req.headers['content-encoding'], bytesMax);
    const parsed = parseBody(json);
    const facts = api.readRequest(parsed);
    const client = clientOf(exchange, parsed, facts.turn);
    const turn = readUserTurn(facts.turn, client, api.textsJoinedBy);
    const offer = offerWith(exchange, client, { api, tools, request: { json, body: parsed } });
    const loop = offer?.loop;
    const call = offer?.request
      ? nextCall(exchange, api, offer.request)
      : callOf(exchange, api, { facts, parsed, json, body });
    const notes = [...(offer?.notes ?? []), ...call.notes];
    return { facts, client, turn, loop, ...call, notes };
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    return { ...unread(exchange, undefined), error };
  }
}

function offerWith(
  exchange: Exchange,
  { purpose }: DetectedClient,
  { api, tools, request }: Pick<Reading, 'tools'> & { api: Api; request: RequestText },
): Offer | undefined {
  if (tools === undefined || api.tools === undefined) return undefined;
  return offerTools(exchange, { dialect: api.tools, request, purpose }, tools);
}

/** What is relayed unread, but for what a side route tells to be read along. */
async function receiveAside(
  exchange: Exchange,
  bytes: Buffer,
  route: SideRoute | undefined,
): Promise<ReceivedRequest> {
  const received = unread(exchange, bytes.length > 0 ? new HeldBody(bytes) : undefined);
  if (route === undefined) return received;
  const encoding = exchange.req.headers['content-encoding'];
  const { facts, body, notes } = await readSideRequest(bytes, encoding, route);
  const client = clientOf(exchange, body, facts.turn);
  const turn = readUserTurn(facts.turn, client, route.api.textsJoinedBy);
  return {
    ...received,
    facts,
    client,
    turn,
    notes,
    call: { ...received.call, model: facts.model },
  };
}

function unread(exchange: Exchange, body: HeldBody | undefined): ReceivedRequest {
  return {
    facts: NO_FACTS,
    client: clientOf(exchange, undefined, []),
    turn: NO_TURN,
    call: {
      model: '',
      choicesAsked: 1,
      body,
      isAmended: false,
      translated: undefined,
      hides: undefined,
    },
    loop: undefined,
    notes: [],
    error: undefined,
  };
}

function clientOf(
  { req, match }: Exchange,
  body: JsonObject | undefined,
  turn: readonly TurnPart[],
): DetectedClient {
  const lastText = turn.at(-1)?.texts.at(-1) ?? '';
  return detectClient({ headers: req.headers, body, lastText }, match.upstreamPath);
}

function parseBody(json: Buffer): JsonObject {
  const parsed = parseObject(json.toString('utf8'));
  if (parsed !== undefined) return parsed;
  throw new BridgeError('bad_request', {
    public:
      json.length === 0
        ? 'The request has no body; a JSON object is expected.'
        : 'The request body is not a JSON object.',
  });
}
