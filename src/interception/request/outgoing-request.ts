import { authHeader, upstreamTarget } from '../../providers/index.ts';
import {
  forwardedRequestHeaders,
  headerValue,
  withoutHeader,
  type Credential,
  type UpstreamRequest,
} from '../../upstream/index.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { actorHeaders } from './actor-headers.ts';
import type { ReceivedCall } from './received-request.ts';

const USER_AGENT = 'aibridge';

export interface OutgoingOptions {
  /** Headers that speak about the caller to the bridge, in lower case. */
  readonly identityHeaders: ReadonlySet<string>;
  readonly sendActorHeaders: boolean;
}

/** Builds the upstream request once; each attempt only adds the header with its key. */
export function outgoingRequest(
  exchange: Exchange,
  { body, isAmended }: ReceivedCall,
  options: OutgoingOptions,
): (credential: Credential) => UpstreamRequest {
  const { req, instance, match, target } = exchange;
  const forwarded = forwardedRequestHeaders(req.rawHeaders, options.identityHeaders);
  // Amended is what a compressed body unfolds to, and it goes up like that.
  const headers = isAmended ? withoutHeader(forwarded, 'content-encoding') : forwarded;
  addMissing(headers, {
    'user-agent': USER_AGENT,
    'accept-encoding': 'identity',
    ...(body ? instance.provider.defaultHeaders : {}),
  });
  if (options.sendActorHeaders && instance.provider.sendsActorHeaders) {
    headers.push(...actorHeaders(exchange.caller));
  }
  const { path } = upstreamTarget(instance.baseUrl, match.upstreamPath, target.query);
  const method = req.method ?? 'GET';
  return (credential) => ({
    method,
    path,
    headers: [...headers, ...authHeader(credential)],
    body: body?.bytes,
  });
}

function addMissing(headers: string[], defaults: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(defaults)) {
    if (headerValue(headers, name) === undefined) headers.push(name, value);
  }
}
