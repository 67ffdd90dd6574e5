import type { BridgedApi } from '../core/api-name.ts';
import type { BridgedRoute, PassthroughRoute, Provider } from './provider.ts';
import { isPlainPath } from './request-target.ts';

export interface RouteRequest {
  readonly method: string;
  /** The path after `/<name>`, as sent. */
  readonly route: string;
  readonly isWebSocketUpgrade: boolean;
}

interface Matched {
  /** To be joined to the provider's base URL. */
  readonly upstreamPath: string;
  readonly route: string;
  /** The route with its variable part named: one of a fixed set, for metrics. */
  readonly label: string;
}

export type RouteMatch =
  | (Matched & { readonly kind: 'bridged'; readonly api: BridgedApi })
  | (Matched & { readonly kind: 'passthrough' })
  /** `/<name>` itself, which clients ask for to see whether somebody is there. */
  | { readonly kind: 'root' }
  | { readonly kind: 'method_not_allowed'; readonly allow: readonly string[] }
  | { readonly kind: 'upgrade_required' }
  | { readonly kind: 'unknown' };

const UNKNOWN: RouteMatch = { kind: 'unknown' };
const ROOT_METHODS = ['GET', 'HEAD'];

/** What a request is to a provider. Never a redirect: clients lose the body of a POST on one. */
export function matchRoute(provider: Provider, request: RouteRequest): RouteMatch {
  const { route } = request;
  if (route === '' || !isPlainPath(route)) return route === '' ? matchRoot(request) : UNKNOWN;
  const { mount } = provider;
  if (route === '/' || route === mount || route === `${mount}/`) return matchRoot(request);
  if (!route.startsWith(`${mount}/`)) return UNKNOWN;
  const path = route.slice(mount.length);
  const bridged = provider.bridged.find((each) => each.path === withoutTrailingSlash(path));
  if (bridged) return matchBridged(bridged, { ...request, path, mount });
  const passthrough = provider.passthrough.find((each) => covers(each, path));
  return passthrough ? matchPassthrough(passthrough, { ...request, path, mount }) : UNKNOWN;
}

type Located = RouteRequest & { readonly path: string; readonly mount: string };

function matchRoot({ method }: RouteRequest): RouteMatch {
  return ROOT_METHODS.includes(method) ? { kind: 'root' } : notAllowed(ROOT_METHODS);
}

function matchBridged({ path, api }: BridgedRoute, request: Located): RouteMatch {
  // With a slash added it would fall into a subtree, and be a model call that nobody audits.
  if (request.path !== path) return UNKNOWN;
  const { method, isWebSocketUpgrade, route, mount } = request;
  if (method === 'POST') {
    return { kind: 'bridged', api, upstreamPath: path, route, label: `${mount}${path}` };
  }
  // Codex asks for a WebSocket first and falls back at once when told that there is none.
  const wantsSocket = method === 'GET' && isWebSocketUpgrade && api === 'responses';
  return wantsSocket ? { kind: 'upgrade_required' } : notAllowed(['POST']);
}

function matchPassthrough(
  { path, rest = '', methods }: PassthroughRoute,
  request: Located,
): RouteMatch {
  const allow = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  if (!allow.includes(request.method)) return notAllowed(allow);
  const label = `${request.mount}${path}${rest}`;
  return { kind: 'passthrough', upstreamPath: request.path, route: request.route, label };
}

/** A subtree is also asked for without its trailing slash. */
function covers({ path, rest }: PassthroughRoute, asked: string): boolean {
  if (rest === undefined) return asked === path;
  return asked.startsWith(path) || `${asked}/` === path;
}

function notAllowed(allow: readonly string[]): RouteMatch {
  return { kind: 'method_not_allowed', allow };
}

function withoutTrailingSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}
