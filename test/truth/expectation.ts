import type { Call } from '../simulator/index.ts';
import { sentEvents, type SentEvent } from './sent-stream.ts';
import type { Tokens, TruthApi } from './truth-api.ts';
import { usageOfBody } from './usage.ts';

/** What the last call of an interception must have led to. */
export interface Expectation {
  readonly status: 'completed' | 'failed';
  readonly errorType: string | null;
  readonly outcome: 'served' | 'relayed_error' | 'transport_error' | 'timeout';
  /** Whether anything of the provider's answer went down to the client. */
  readonly isRelayed: boolean;
  readonly tokens: Tokens | undefined;
  /** How many of the bytes that were sent had arrived. */
  readonly bytes: number;
}

/** What a call looked like from the bridge's side of the wire. */
export interface SeenCall extends Pick<Call, 'outcome' | 'behaviour' | 'endedAtMs'> {
  readonly sent: Pick<Call['sent'], 'status' | 'headers' | 'chunks' | 'bytes' | 'text'>;
}

/** The last call of an interception. */
export interface MadeCall {
  readonly call: SeenCall;
  readonly api: TruthApi;
  /** When it was made, which may be long before the provider noticed it. */
  readonly startedMs: number;
}

export const FIRST_BYTE_TIMEOUT_MS = 2_000;
export const IDLE_TIMEOUT_MS = 1_500;
/** Both run on one machine, but not on one reading of its clock. */
const CLOCK_SLACK_MS = 10;

const TYPE_OF_STATUS: Readonly<Record<number, string>> = {
  400: 'invalid_request',
  401: 'unauthorized',
  402: 'quota_exhausted',
  403: 'forbidden',
  429: 'rate_limited',
  500: 'upstream_error',
  502: 'upstream_error',
  503: 'overloaded',
  529: 'overloaded',
};

const TYPE_OF_STREAM_ERROR: Readonly<Record<string, string>> = {
  rate_limit_error: 'rate_limited',
  authentication_error: 'unauthorized',
  overloaded_error: 'overloaded',
  api_error: 'upstream_error',
  rate_limit_exceeded: 'rate_limited',
  invalid_api_key: 'unauthorized',
  server_is_overloaded: 'overloaded',
  server_error: 'upstream_error',
};

/** A blocking answer shorter than this is held until it is known to be whole. */
const HELD_BYTES_MAX = 64 * 1024;

type Cut = Pick<Expectation, 'status' | 'errorType' | 'outcome'>;
const TRUNCATED: Cut = {
  status: 'failed',
  errorType: 'upstream_truncated',
  outcome: 'transport_error',
};
const TIMED_OUT: Cut = { status: 'failed', errorType: 'upstream_timeout', outcome: 'timeout' };
const UNREACHABLE: Cut = {
  status: 'failed',
  errorType: 'upstream_unreachable',
  outcome: 'transport_error',
};
const SERVED: Cut = { status: 'completed', errorType: null, outcome: 'served' };
/** Half of a JSON object that ends like a whole answer. */
const MALFORMED: Cut = {
  status: 'failed',
  errorType: 'upstream_malformed',
  outcome: 'relayed_error',
};

/**
 * All that may be true of a call after which no other key is tried: one possibility, but
 * for a TCP reset, which may destroy bytes on their way. Of those, none are considered
 * that the client has; `arrivedAtLeast` says how many that is. Empty when the simulator
 * saw its caller leave without the bridge having had a reason to.
 */
export function expectationsOf(made: MadeCall, arrivedAtLeast: number): Expectation[] {
  const { status } = made.call.sent;
  if (status === null) return withoutHead(made);
  if (status >= 400) return [refusedWith(status)];
  return isEventStream(made.call) ? ofStream(made, arrivedAtLeast) : ofBody(made);
}

function withoutHead(made: MadeCall): Expectation[] {
  const nothing = { isRelayed: false, tokens: undefined, bytes: 0 };
  if (made.call.outcome === 'reset') return [{ ...UNREACHABLE, ...nothing }];
  return hasTimedOut(made) ? [{ ...TIMED_OUT, ...nothing }] : [];
}

function refusedWith(status: number): Expectation {
  return {
    status: 'failed',
    errorType: TYPE_OF_STATUS[status] ?? `no type is known for ${status}`,
    outcome: 'relayed_error',
    isRelayed: true,
    tokens: undefined,
    bytes: Infinity,
  };
}

function ofBody(made: MadeCall): Expectation[] {
  const { call, api } = made;
  const { bytes, headers } = call.sent;
  const announced = Number(headers['content-length'] ?? NaN);
  const isHeld = api.name !== 'passthrough' && bytes.length < HELD_BYTES_MAX;
  const whole = {
    ...wholeOf(made),
    isRelayed: true,
    tokens: usageOfBody(call, api),
    bytes: bytes.length,
  };
  const cut = { isRelayed: !isHeld, tokens: undefined, bytes: bytes.length };
  const truncated = { ...TRUNCATED, ...cut };
  if (call.outcome === 'client_closed') return hasTimedOut(made) ? [{ ...TIMED_OUT, ...cut }] : [];
  const isAllThere = bytes.length === announced;
  if (call.outcome === 'reset') return isAllThere ? [whole, truncated] : [truncated];
  return isAllThere || hasCleanEnd(call) ? [whole] : [truncated];
}

/** What an answer that came to its end is to an API that reads it. */
function wholeOf({ call, api }: MadeCall): Cut {
  return api.name === 'passthrough' || isObject(call.sent.text) ? SERVED : MALFORMED;
}

function isObject(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

function ofStream(made: MadeCall, arrivedAtLeast: number): Expectation[] {
  const { call } = made;
  const events = sentEvents(call.sent.bytes);
  const whole = streamed(made, events, call.sent.bytes.length);
  if (call.outcome !== 'reset') return whole;
  const shorter = events.flatMap(({ endsAt }, index) =>
    endsAt < arrivedAtLeast ? [] : streamed(made, events.slice(0, index + 1), endsAt),
  );
  const nothing = arrivedAtLeast > 0 ? [] : streamed(made, [], 0);
  return [...whole, ...shorter, ...nothing];
}

function streamed(made: MadeCall, events: readonly SentEvent[], bytes: number): Expectation[] {
  const { call, api } = made;
  const tokens = api.usageOfStream(events);
  const error = events.map((event) => api.errorOf(event)).find((type) => type !== undefined);
  if (error !== undefined) {
    const errorType = TYPE_OF_STREAM_ERROR[error] ?? `no type is known for ${error}`;
    const relayed = { outcome: 'relayed_error', isRelayed: true, tokens, bytes } as const;
    return [{ status: 'failed', errorType, ...relayed }];
  }
  if (events.some((event) => api.isTerminal(event))) {
    return [{ ...SERVED, isRelayed: true, tokens, bytes }];
  }
  if (call.outcome === 'client_closed' && !hasTimedOut(made)) return [];
  const how = call.outcome === 'client_closed' ? TIMED_OUT : TRUNCATED;
  const begun = { ...how, isRelayed: true, tokens, bytes };
  const unbegun = { ...how, isRelayed: false, tokens: undefined, bytes };
  if (events.length > 0) return [begun];
  // Half of a first event that ends like a whole answer may count as a beginning.
  return hasCleanEnd(call) && bytes > 0 ? [begun, unbegun] : [unbegun];
}

function hasCleanEnd(call: SeenCall): boolean {
  return (
    call.outcome === 'completed' || (call.outcome === 'cut' && call.behaviour.includes('cut_clean'))
  );
}

function isEventStream(call: SeenCall): boolean {
  return String(call.sent.headers['content-type'] ?? '').startsWith('text/event-stream');
}

/** The bridge may hang up on a provider that has been silent for as long as it is told to wait. */
function hasTimedOut({ call, startedMs }: MadeCall): boolean {
  const lastSent = call.sent.chunks.at(-1);
  const silentSinceMs = lastSent?.atMs ?? startedMs;
  const patienceMs = lastSent === undefined ? FIRST_BYTE_TIMEOUT_MS : IDLE_TIMEOUT_MS;
  return (call.endedAtMs ?? 0) - silentSinceMs >= patienceMs - CLOCK_SLACK_MS;
}

/**
 * The call as the bridge had it when it hung up for a silence of the provider, which may
 * have been busy and then have answered all the same. Undefined when it was never silent
 * for long enough.
 */
export function untilSilence({ call, startedMs }: MadeCall): SeenCall | undefined {
  const { chunks, headers, status } = call.sent;
  const heardMs = [startedMs, ...chunks.map(({ atMs }) => atMs), call.endedAtMs ?? startedMs];
  const count = heardMs.findIndex((atMs, index) => {
    const patienceMs = index === 0 ? FIRST_BYTE_TIMEOUT_MS : IDLE_TIMEOUT_MS;
    return (heardMs[index + 1] ?? atMs) - atMs >= patienceMs - CLOCK_SLACK_MS;
  });
  if (count === -1) return undefined;
  const kept = chunks.slice(0, count);
  const bytes = Buffer.concat(kept.map((chunk) => chunk.bytes));
  return {
    behaviour: call.behaviour,
    outcome: count === 0 ? 'never_answered' : 'client_closed',
    endedAtMs: heardMs[count + 1] ?? null,
    sent: {
      status: count === 0 ? null : status,
      headers,
      chunks: kept,
      bytes,
      text: bytes.toString(),
    },
  };
}
