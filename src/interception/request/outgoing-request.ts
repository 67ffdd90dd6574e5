import { upstreamTarget } from '../../providers/index.ts';
import {
  forwardedRequestHeaders,
  headerValue,
  withoutHeader,
  type UpstreamRequest,
} from '../../upstream/index.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { actorHeaders } from './actor-headers.ts';
import type { ReceivedCall } from './received-call.ts';

const USER_AGENT = 'aibridge';

export interface OutgoingOptions {
  /** Headers that speak about the caller to the bridge, in lower case. */
  readonly identityHeaders: ReadonlySet<string>;
  readonly sendActorHeaders: boolean;
}

/** Builds the upstream request once; each attempt only adds what opens the provider with its key. */
export function outgoingRequest(
  exchange: Exchange,
  call: ReceivedCall,
  options: OutgoingOptions,
): () => UpstreamRequest {
  const { req, instance, match, target } = exchange;
  const { body, translated } = call;
  const headers = translated
    ? ownHeaders(exchange, translated.headers)
    : callersHeaders(exchange, call, options);
  addMissing(headers, {
    'user-agent': USER_AGENT,
    'accept-encoding': 'identity',
    ...(body ? instance.provider.defaultHeaders : {}),
  });
  if (options.sendActorHeaders && instance.provider.sendsActorHeaders) {
    headers.push(...actorHeaders(exchange.caller));
  }
  const { path } = translated
    ? upstreamTarget(instance.baseUrl, translated.path, '')
    : upstreamTarget(instance.baseUrl, match.upstreamPath, target.query);
  const method = req.method ?? 'GET';
  // The body is let go of before a long answer ends, so it is not kept here either.
  return () => ({ method, path, headers, body: body?.bytes });
}

function callersHeaders(
  { req }: Exchange,
  { isAmended }: ReceivedCall,
  { identityHeaders }: OutgoingOptions,
): string[] {
  const forwarded = forwardedRequestHeaders(req.rawHeaders, identityHeaders);
  // Amended is what a compressed body unfolds to, and it goes up like that.
  return isAmended ? withoutHeader(forwarded, 'content-encoding') : forwarded;
}

/** What callers say to one API is not said to another, but for who they are. */
function ownHeaders({ req }: Exchange, translated: readonly string[]): string[] {
  const userAgent = req.headers['user-agent'];
  return [...translated, ...(userAgent === undefined ? [] : ['user-agent', userAgent])];
}

function addMissing(headers: string[], defaults: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(defaults)) {
    if (headerValue(headers, name) === undefined) headers.push(name, value);
  }
}
