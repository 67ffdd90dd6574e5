export {
  authHeader,
  type AuthScheme,
  type CallerCredential,
  readCallerCredential,
} from './credential.ts';
export { exhaustionError, retryAfterSeconds } from './exhaustion.ts';
export type { BridgedApi, BridgeFault, Provider } from './provider.ts';
export { providerOfType } from './registry.ts';
export {
  parseTarget,
  type RequestTarget,
  upstreamTarget,
  type UpstreamTarget,
} from './request-target.ts';
export { matchRoute, type RouteMatch, type RouteRequest } from './route-match.ts';
export { readUpstreamError, UNEXPLAINED } from './upstream-error.ts';
