export type { BedrockConfig, BedrockRules, ModelLine } from './bedrock-config.ts';
export {
  authHeader,
  type AuthScheme,
  type CallerCredential,
  readCallerCredential,
} from './credential.ts';
export type { ErrorPattern, KeyFailures, RateLimit } from './key-failures.ts';
export type { BridgeFault, Provider } from './provider.ts';
export {
  AwsKey,
  BEDROCK_RULES,
  extendedRules,
  providerOfType,
  PROVIDERS,
  regionalBaseUrl,
  regionIn,
} from './registry.ts';
export {
  parseTarget,
  type RequestTarget,
  upstreamTarget,
  type UpstreamTarget,
} from './request-target.ts';
export { matchRoute, type RouteMatch, type RouteRequest } from './route-match.ts';
export type {
  AnswerHead,
  ApiRequest,
  StreamDecoder,
  Translation,
  Translator,
} from './translation.ts';
export { readUpstreamError, UNEXPLAINED, type UpstreamError } from './upstream-error.ts';
