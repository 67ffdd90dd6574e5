export { Attempt, type AttemptWitness, type Credential, type FinishedAttempt } from './attempt.ts';
export { CallBound } from './wire/call-bound.ts';
export { exhaustionError, retryAfterSeconds } from './exhaustion.ts';
export {
  callWithFailover,
  type CallResult,
  type FailoverSettings,
  type InspectedAnswer,
  type LogicalCall,
} from './failover.ts';
export { dumpedCall } from './dumped-call.ts';
export {
  forwardedRequestHeaders,
  headerValue,
  relayedAnswerHeaders,
  withoutHeader,
} from './header-policy.ts';
export { forecast, type KeyForecast } from './key-forecast.ts';
export { MaskedBody } from './masked-body.ts';
export { PeekableBody } from './peekable-body.ts';
export { ProviderInstance } from './provider-instance.ts';
export type { Answer, AnswerBody, RawHeaders } from './wire/upstream-call.ts';
export type { UpstreamRequest } from './wire/upstream-client.ts';
export { UpstreamFailure } from './wire/upstream-failure.ts';
