import { BridgeError } from '../core/errors.ts';
import { parseObject, type JsonObject } from '../core/json.ts';
import type { Amendment, Api, RequestFacts } from './api.ts';
import { detectClient, type DetectedClient } from './client-detection.ts';
import type { Exchange } from './exchange.ts';
import { readRequestBody } from './request-body.ts';
import { decodeForReading } from './request-decoding.ts';

/** A request as far as it could be read. With an error in it, it goes no further than the record. */
export interface ReceivedRequest {
  readonly body: Buffer | undefined;
  /** What goes upstream in place of the body, where the audit needs it to. */
  readonly amendment: Amendment | undefined;
  readonly facts: RequestFacts;
  readonly client: DetectedClient;
  readonly error: BridgeError | undefined;
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
  const unread = {
    facts: NO_FACTS,
    client: detectClient(req.headers, undefined),
    amendment: undefined,
  };
  try {
    const body = await readRequestBody(req, bytesMax);
    if (api === undefined) {
      return { ...unread, body: body.length > 0 ? body : undefined, error: undefined };
    }
    const json = await decodeForReading(body, req.headers['content-encoding'], bytesMax);
    const parsed = parseBody(json);
    return {
      body,
      amendment: api.amendRequest?.(parsed, json),
      facts: api.readRequest(parsed),
      client: detectClient(req.headers, parsed),
      error: undefined,
    };
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    return { ...unread, body: undefined, error };
  }
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
