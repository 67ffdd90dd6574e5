import type { Call } from '../simulator/index.ts';
import {
  arrivedBytes,
  differing,
  endOf,
  lastLook,
  relayedBytes,
  timeOf,
  wasCutShort,
  type Evidence,
  type Facts,
} from './evidence.ts';
import {
  expectationsOf,
  FIRST_BYTE_TIMEOUT_MS,
  untilSilences,
  WITHOUT_HEAD,
  type Expectation,
  type SeenCall,
} from './expectation.ts';
import { factsOf, refusalIn, type KeyRefusal } from './key-refusal.ts';
import { wrongAnswer, wrongEnd } from './loop-client.ts';
import type { PlannedRequest } from './scenario.ts';
import type { Tokens } from './truth-api.ts';
import { goesOn, lastTurnOf, NO_TURNS, plus, tokensIn, type TurnsBefore } from './turns.ts';
import { usageOfBody, usagesFrom } from './usage.ts';

/** One way in which a request may have ended: what must be recorded, and what is wrong with what the client saw. */
export interface Ending {
  readonly record: Facts;
  readonly lastAttempt: Facts;
  readonly client: readonly string[];
}

/**
 * All ways in which a request may have ended, by what the provider did and the client
 * saw. It is one, unless bytes were destroyed on their way or the client hung up: then
 * the record may say that it left, or how it would have ended, had nobody noticed.
 */
export function endingsOf(evidence: Evidence): Ending[] {
  if (evidence.loop === undefined) return endingsOfTurn(evidence);
  const last = lastTurnOf(evidence);
  return endingsOfTurn(last).map((ending) => withTurns(ending, last.before));
}

/** What the turns before the last one have used is part of what was used. */
function withTurns(ending: Ending, { count, tokens, isCounted }: TurnsBefore): Ending {
  const { record } = ending;
  const isAll = record['usageSource'] === 'provider' && isCounted;
  return {
    ...ending,
    record: {
      ...record,
      input: Number(record['input']) + tokens.input,
      output: Number(record['output']) + tokens.output,
      cacheRead: Number(record['cacheRead']) + tokens.cacheRead,
      cacheWrite: Number(record['cacheWrite']) + tokens.cacheWrite,
      ...(count > 0 && { usageSource: isAll ? 'provider' : 'partial' }),
    },
  };
}

function endingsOfTurn(evidence: Evidence): Ending[] {
  const { seen, calls, attempts } = evidence;
  const last = attempts.length > calls.length ? undefined : calls.at(-1);
  const regular = attempts.length > calls.length ? neverSent(evidence) : regularEndings(evidence);
  if (seen.kind === 'left') return [...unseen(regular), ...abandoned(evidence, last)];
  // Whose bridge was killed has not seen what became of its request.
  return wasCutShort(evidence) ? unseen(regular) : regular;
}

function regularEndings(evidence: Evidence): Ending[] {
  const last = evidence.calls.at(-1);
  if (last === undefined) return exhausted(evidence, last);
  const isRefused = keyRefusal(evidence.request, last) !== undefined;
  return [
    ...(isRefused ? exhausted(evidence, last) : answered(evidence, last)),
    ...givenUp(evidence, last),
    ...brokenUnder(evidence, last),
  ];
}

/** A caller's own key is nothing that failover is concerned with. */
export function keyRefusal({ own, api }: PlannedRequest, call: Call): KeyRefusal | undefined {
  return own === undefined ? refusalIn(call, api) : undefined;
}

function unseen(endings: readonly Ending[]): Ending[] {
  return endings.map((ending) => ({ ...ending, client: [] }));
}

/** The provider was silent for so long that what it said then may not have been waited for. */
function givenUp(evidence: Evidence, last: Call): Ending[] {
  return untilSilences(madeCall(evidence, last)).flatMap((seenCall) => {
    const endings = answered(evidence, seenCall);
    // Of a head that came late, only the time is known at which it was sent.
    const withHead = { outcome: 'timeout', status: last.sent.status };
    const late = endings.map(({ record, ...ending }) => ({
      ...ending,
      record: { ...record, upstreamStatus: last.sent.status },
      lastAttempt: withHead,
    }));
    return [...endings, ...late];
  });
}

/**
 * The call before it had all of its answer and broke the connection nevertheless, with
 * this one on it: to this one that is a reset.
 */
function brokenUnder(evidence: Evidence, last: Call): Ending[] {
  const { behaviour, endedAtMs, sent } = last;
  const isBroken =
    (last.outcome === 'client_closed' || last.outcome === 'never_answered') &&
    evidence.breaks.some(
      ({ connection, ordinal }) => connection === last.connection && ordinal < last.ordinal,
    );
  return isBroken ? answered(evidence, { behaviour, endedAtMs, sent, outcome: 'reset' }) : [];
}

function madeCall<T extends SeenCall>({ request, attempts, loop }: Evidence, call: T) {
  const { api, habits } = request;
  const startedMs = timeOf(attempts.at(-1)?.['started_at']);
  return { call, api, habits, startedMs, isTurn: loop !== undefined };
}

function answered(evidence: Evidence, last: SeenCall): Ending[] {
  const arrived = relayedBytes(evidence, last);
  const expectations = expectationsOf(madeCall(evidence, last), arrived);
  const { status } = last.sent;
  const isDestroyed = last.outcome === 'reset' && status !== null && arrived === 0;
  return [
    ...expectations.flatMap((expected) => endingsFor(evidence, { last, expected, status })),
    ...(isDestroyed ? WITHOUT_HEAD : []).flatMap((expected) =>
      endingsFor(evidence, { last, expected, status: null }),
    ),
  ];
}

interface Answered {
  readonly last: SeenCall;
  readonly expected: Expectation;
  /** What the bridge knows of the status that was sent. */
  readonly status: number | null;
}

function endingsFor(evidence: Evidence, { last, expected, status }: Answered): Ending[] {
  const { request, seen, before } = evidence;
  const isGoingOn = before !== undefined && expected.outcome === 'served' && goesOn(last, request);
  if (isGoingOn) return withoutNextTurn(evidence, last);
  const client = before && wrongAnswer(evidence, { last, expected, status, before });
  return usageFactsOf(expected).map((usage) => ({
    record: {
      status: expected.status,
      errorType: expected.errorType,
      upstreamStatus: status,
      ...usage,
      ...(expected.isNoted === true && { isNoted: true }),
    },
    lastAttempt: { outcome: expected.outcome, status },
    client: client ?? [
      ...differing(
        { client: seen.kind, status: seen.status },
        { client: 'complete', status, ...clientFacts(request, expected) },
      ),
      ...wrongBytes({ request, seen }, last, expected),
    ],
  }));
}

/** Tools have run, and there was no key to tell the model of what came of it. */
function withoutNextTurn(evidence: Evidence, last: SeenCall): Ending[] {
  const { request, attempts, before = NO_TURNS } = evidence;
  const ended = attempts.at(-1);
  const next = {
    ...evidence,
    calls: [],
    attempts: [],
    before: plus(before, last, request),
    ...(ended && { walkFromMs: endOf(ended) }),
  };
  const tokens = tokensIn(last, request);
  return exhausted(next, undefined).map((ending) => ({
    ...ending,
    record: { ...ending.record, ...usageFacts(tokens, 'failed'), usageSource: 'partial' },
    lastAttempt: { outcome: 'served', status: 200 },
  }));
}

/** What becomes of an answer that did not come to its end. */
function clientFacts(
  { mode }: PlannedRequest,
  { isRelayed, outcome, errorType }: Expectation,
): Facts {
  if (!isRelayed) return { status: errorType === 'upstream_timeout' ? 504 : 502 };
  const isCut = outcome === 'transport_error' || outcome === 'timeout';
  return isCut && mode === 'blocking' ? { client: 'broken' } : {};
}

/**
 * How much of an answer the client must have. A reset may destroy bytes on their
 * way to the bridge, in the middle of a frame too; nobody can relay those.
 */
function bytesOwed(last: SeenCall, { outcome, bytes }: Expectation): number {
  const isReset = last.outcome === 'reset' && outcome === 'transport_error';
  return isReset ? 0 : Math.min(last.sent.bytes.length, bytes);
}

/** Law 1: what the client has is what the provider sent, and a stream that broke off says so. */
function wrongBytes(
  { request, seen }: Pick<Evidence, 'request' | 'seen'>,
  last: SeenCall,
  expectation: Expectation,
): string[] {
  const { isRelayed, outcome, errorType } = expectation;
  if (!isRelayed) {
    return differing({ error: seen.headers.get('x-aibridge-error') }, { error: errorType });
  }
  const arrived = arrivedBytes(seen, last);
  if (seen.kind === 'broken') {
    return arrived === seen.bytes.length ? [] : ['the client got other bytes'];
  }
  const found = arrived >= bytesOwed(last, expectation) ? [] : ['the client lost bytes'];
  const rest = seen.bytes.subarray(arrived).toString();
  if (outcome === 'served' || outcome === 'relayed_error') {
    return rest === '' ? found : [...found, 'the client got bytes that nobody sent'];
  }
  return request.api.inBandError?.test(seen.bytes.toString())
    ? found
    : [...found, 'the client was not told that the stream broke off'];
}

function exhausted(evidence: Evidence, last: Call | undefined): Ending[] {
  const { request, seen, pool, before = NO_TURNS } = evidence;
  if (request.own !== undefined) return [];
  const refusal = last && keyRefusal(request, last);
  const lastAttempt = refusal ? { ...factsOf(refusal), status: last?.sent.status } : {};
  return pool.exhaustions(lastLook(evidence)).map(({ status, retryAfter }) => ({
    record: {
      status: 'failed',
      errorType: status === 429 ? 'keys_rate_limited' : 'keys_rejected',
      upstreamStatus: null,
      ...usageFacts(undefined, 'failed'),
    },
    lastAttempt,
    client: hasBegun(evidence)
      ? wrongEnd(evidence, before)
      : differing(
          { client: seen.kind, status: seen.status, retryAfter: seen.headers.get('retry-after') },
          { client: 'complete', status, retryAfter },
        ),
  }));
}

/** Of a stream the client has had turns before this one. */
function hasBegun({ request, before = NO_TURNS }: Evidence): boolean {
  return request.mode === 'streaming' && before.count > 0;
}

const CLOCK_SLACK_MS = 10;

/**
 * A call that nobody received: put on a connection that the provider had broken, which a busy machine
 * may notice late, or too late to be sent. That no more are lost than are broken is asked elsewhere.
 */
function neverSent(evidence: Evidence): Ending[] {
  const { attempts, breaks } = evidence;
  const attempt = attempts.at(-1) ?? {};
  const isBroken = breaks.some(
    ({ endedAtMs }) => Number(endedAtMs) < endOf(attempt) + CLOCK_SLACK_MS,
  );
  const isLate = Number(attempt['duration_ms']) >= FIRST_BYTE_TIMEOUT_MS - CLOCK_SLACK_MS;
  return [
    ...(isBroken ? [notReceived(evidence, ['upstream_unreachable', 'transport_error', 502])] : []),
    ...(isLate ? [notReceived(evidence, ['upstream_timeout', 'timeout', 504])] : []),
  ];
}

function notReceived(
  evidence: Evidence,
  [errorType, outcome, status]: readonly [string, string, number],
): Ending {
  const { seen, before = NO_TURNS } = evidence;
  const observed = { client: seen.kind, status: seen.status };
  const record = { status: 'failed', errorType, upstreamStatus: null };
  return {
    record: { ...record, ...usageFacts(undefined, 'failed') },
    lastAttempt: { outcome, status: null },
    client: hasBegun(evidence)
      ? wrongEnd(evidence, before)
      : differing(observed, { client: 'complete', status }),
  };
}

/** What may be recorded of a client that hung up, as far as the provider had got by then. */
function abandoned(evidence: Evidence, last: Call | undefined): Ending[] {
  const { request, seen, attempts, loop, row } = evidence;
  const sentStatus = last?.sent.status ?? null;
  const refusal = last && keyRefusal(request, last);
  const attemptEnds: Facts[] = [
    { outcome: 'aborted', status: null },
    { outcome: 'aborted', status: sentStatus },
    ...(refusal ? [{ outcome: refusal.outcome, status: sentStatus }] : []),
    // It left while tools ran, or before the next turn.
    ...(loop ? [{ outcome: 'served', status: 200 }] : []),
  ];
  const isOpen = seen.status === null || loop !== undefined;
  const upstreamStatuses = isOpen ? [null, sentStatus] : [seen.status];
  const usages = last === undefined || refusal ? [undefined] : usagesUpTo(evidence, last);
  return usages.flatMap((tokens) =>
    upstreamStatuses.flatMap((upstreamStatus) =>
      (attempts.length === 0 ? [{}] : attemptEnds).map((lastAttempt) => ({
        record: {
          status: 'aborted',
          errorType: null,
          upstreamStatus,
          ...usageFacts(tokens, 'aborted'),
          // Of a turn that told of no usage either word will do.
          ...(loop && tokens === undefined && { usageSource: row['usage_source'] }),
        },
        lastAttempt,
        client: [],
      })),
    ),
  );
}

/** The usage that may have been read: up to any event between what the client got and what was sent. */
function usagesUpTo(
  { request: { api, mode }, seen, before }: Evidence,
  last: Call,
): (Tokens | undefined)[] {
  if (mode === 'blocking') return [undefined, usageOfBody(last, api)];
  return [...usagesFrom(last, api, before === undefined ? arrivedBytes(seen, last) : 0)];
}

/** Where nothing could be read of the usage, and something could not be read, either word will do. */
function usageFactsOf({ tokens, status, isPartial = false }: Expectation): Facts[] {
  const known = usageFacts(tokens, status);
  if (!isPartial) return [known];
  const partial = { ...known, usageSource: 'partial' };
  return tokens === undefined ? [known, partial] : [partial];
}

function usageFacts(tokens: Tokens | undefined, status: string): Facts {
  const source = status === 'completed' ? 'provider' : 'partial';
  return {
    ...(tokens ?? { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }),
    usageSource: tokens === undefined ? 'none' : source,
  };
}
