import { BridgeError, type ErrorCode } from '../../core/errors.ts';
import { parseObject } from '../../core/json.ts';
import type { KeyFailures, UpstreamError } from '../../providers/index.ts';
import { effectiveStatus } from '../../keypool/index.ts';
import type { Attempt, UpstreamFailure } from '../../upstream/index.ts';
import type { InBandError } from '../apis/api.ts';
import type { AnswerObserver } from './answer-observer.ts';
import type { RelayOutcome } from './answer-relay.ts';
import type { Inspected } from './inspect-answer.ts';
import type { Ending } from '../record/ledger.ts';

/** How the audit names what a provider refused, by the status it refused with. */
const TYPE_OF_STATUS: Readonly<Record<number, string>> = {
  401: 'unauthorized',
  402: 'quota_exhausted',
  403: 'forbidden',
  404: 'not_found',
  408: 'upstream_timeout',
  409: 'conflict',
  413: 'request_too_large',
  429: 'rate_limited',
  503: 'overloaded',
  504: 'upstream_timeout',
  529: 'overloaded',
};

const CODE_OF_FAILURE = {
  unreachable: 'upstream_unreachable',
  timeout: 'upstream_timeout',
  truncated: 'upstream_truncated',
  malformed: 'upstream_malformed',
  aborted: 'internal',
} as const satisfies Record<UpstreamFailure['kind'], ErrorCode>;

/** Without the cause, which may name addresses of the organisation's network. */
const MESSAGE_OF_FAILURE = {
  unreachable: 'The provider could not be reached.',
  timeout: 'The provider did not answer in time.',
  truncated: 'The provider broke off its answer before the end.',
  malformed: 'The provider answered with something that cannot be read.',
  aborted: 'The call was cancelled.',
} as const;

/** What the caller is told of a failure on the way to the provider. */
export function bridgeErrorOf(failure: UpstreamFailure): BridgeError {
  return new BridgeError(CODE_OF_FAILURE[failure.kind], {
    public: MESSAGE_OF_FAILURE[failure.kind],
    internal: failure.message,
    cause: failure,
  });
}

/** What the record says of an answer that was relayed, to its end or not. */
export function endingOf(
  { answer, observer, error: statusError }: Inspected,
  outcome: RelayOutcome,
  failures: KeyFailures,
): Ending {
  const findings = observer.findings();
  const { hasGaps } = observer;
  const notes = notesOf(observer, outcome);
  const known = { answer: { status: answer.status, findings, notes, hasGaps } };
  const vendorError = statusError ?? findings.error;
  if (outcome.kind === 'caller_left') return { ...known, status: 'aborted' };
  if (isRefusal(answer.status) || vendorError !== undefined) {
    return { ...known, status: 'failed', error: refusalOf(answer.status, vendorError, failures) };
  }
  const failure = outcome.kind === 'complete' ? observer.flaw : outcome.failure;
  if (failure === undefined) return { ...known, status: 'completed' };
  const { code, detail } = bridgeErrorOf(failure);
  return { ...known, status: 'failed', error: { type: code, message: detail.public } };
}

/** Of a caller who left before the last event nobody knows whether it would have come. */
function notesOf(observer: AnswerObserver, outcome: RelayOutcome): readonly string[] {
  const isMissing = observer.lacksLastEvent && outcome.kind !== 'caller_left';
  return isMissing ? [...observer.notes, WITHOUT_LAST_EVENT] : observer.notes;
}

const WITHOUT_LAST_EVENT = 'the answer was finished, but its stream ended without its last event';

function refusalOf(
  answerStatus: number,
  error: UpstreamError | undefined,
  failures: KeyFailures,
): { type: string; message: string } {
  const status = effectiveStatus({ status: answerStatus, headers: NO_HEADERS, error }, failures);
  const fallback = status >= 400 && status < 500 ? 'invalid_request' : 'upstream_error';
  return {
    type: TYPE_OF_STATUS[status] ?? fallback,
    message: error?.message || `The provider answered with status ${answerStatus}.`,
  };
}

/** A redirect is not followed with somebody's key, so it answers nothing. A 304 does. */
function isRefusal(status: number): boolean {
  return status >= 300 && status !== 304;
}

const NO_HEADERS = { get: () => undefined };

/** The provider's error, wherever in its answer it stands. */
export function vendorErrorOf({ error, observer }: Inspected): UpstreamError | undefined {
  return error ?? observer.findings().error;
}

export function finishAttempt(
  attempt: Attempt,
  { answer, observer }: Inspected,
  { outcome, error }: { readonly outcome: RelayOutcome; readonly error: UpstreamError | undefined },
): void {
  if (outcome.kind === 'upstream_failed') {
    attempt.fail(outcome.failure);
  } else if (outcome.kind === 'caller_left') {
    attempt.finish({ outcome: 'aborted' });
  } else {
    const known: Error | UpstreamError | undefined = error ?? observer.flaw;
    const isRefused = isRefusal(answer.status) || known !== undefined;
    attempt.finish(
      isRefused
        ? { outcome: 'relayed_error', error: known?.message || null }
        : { outcome: 'served' },
    );
  }
}

/** A provider's error, to be told in a stream that has begun. */
export function refusalInBand({ body, error }: Inspected, fallback: InBandError): InBandError {
  const sent = parseObject(body.peeked.toString('utf8'));
  // What does not say `error` is not read as one in a stream.
  const envelope = sent?.['error'] === undefined ? fallback.envelope : sent;
  if (error === undefined) return { ...fallback, envelope };
  const { code, type, message } = error;
  return { ...fallback, code: code || type || fallback.code, message, envelope };
}
