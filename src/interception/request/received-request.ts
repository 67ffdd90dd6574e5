import type { IncomingMessage } from 'node:http';
import { BridgeError } from '../../core/errors.ts';
import { parseObject, type JsonObject } from '../../core/json.ts';
import type { Amendment, Api, RequestFacts } from '../apis/api.ts';
import { detectClient, type DetectedClient } from './clients/client-detection.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { HeldBody } from './held-body.ts';
import { readRequestBody } from './request-body.ts';
import { decodeForReading } from './request-decoding.ts';

/** A request as far as it could be read. With an error in it, it goes no further than the record. */
export interface ReceivedRequest {
  readonly facts: RequestFacts;
  readonly client: DetectedClient;
  readonly call: ReceivedCall;
  readonly error: BridgeError | undefined;
}

/** What of a request is still needed once its start is recorded. */
export interface ReceivedCall {
  readonly model: string;
  /** What goes upstream: what came, or what the audit needs in its place. */
  readonly body: HeldBody | undefined;
  readonly isAmended: boolean;
  /** Tells the frames of the answer that are none of the caller's business, where there may be any. */
  readonly hides: Amendment['hides'] | undefined;
}

const NO_FACTS: RequestFacts = {
  model: '',
  isStreaming: false,
  prompt: undefined,
  correlatingToolCallId: undefined,
};

/** Rejects only when the caller hangs up (`CallerGone`). */
export async function receiveRequest(
  { req }: Exchange,
  api: Api | undefined,
  bytesMax: number,
): Promise<ReceivedRequest> {
  try {
    const body = await readRequestBody(req, bytesMax);
    if (api === undefined) return unread(req, body.length > 0 ? new HeldBody(body) : undefined);
    const json = await decodeForReading(body, req.headers['content-encoding'], bytesMax);
    const parsed = parseBody(json);
    const facts = api.readRequest(parsed);
    const amendment = api.amendRequest?.(parsed, json);
    return {
      facts,
      client: detectClient(req.headers, parsed),
      call: {
        model: facts.model,
        body: new HeldBody(amendment?.json ?? body),
        isAmended: amendment !== undefined,
        hides: amendment?.hides,
      },
      error: undefined,
    };
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    return { ...unread(req, undefined), error };
  }
}

function unread(req: IncomingMessage, body: HeldBody | undefined): ReceivedRequest {
  return {
    facts: NO_FACTS,
    client: detectClient(req.headers, undefined),
    call: { model: '', body, isAmended: false, hides: undefined },
    error: undefined,
  };
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
