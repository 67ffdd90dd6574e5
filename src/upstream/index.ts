export { Attempt, type AttemptWitness, type Credential, type FinishedAttempt } from './attempt.ts';
export { abortedBy, CallBound } from './wire/call-bound.ts';
export type { BreakerSnapshot } from './breaker/breakers.ts';
export type { FailoverSettings, InspectedAnswer, LogicalCall } from './failover.ts';
export { callBehindBreaker, type GuardedResult, type RelayedEnd } from './guarded-call.ts';
export { dumpedCall } from './dumped-call.ts';
export {
  forwardedRequestHeaders,
  headerValue,
  relayedAnswerHeaders,
  withoutHeader,
} from './header-policy.ts';
export { forecast, type KeyForecast } from './key-forecast.ts';
export { MaskedBody } from './masked-body.ts';
export { ERROR_BOUNDS, PeekableBody } from './peekable-body.ts';
export { ProviderInstance } from './provider-instance.ts';
export { breakerError, exhaustionError, retryAfterSeconds } from './refusal.ts';
export type { Answer, AnswerBody, RawHeaders } from './wire/upstream-call.ts';
export type { UpstreamRequest } from './wire/upstream-client.ts';
export { UpstreamFailure } from './wire/upstream-failure.ts';
