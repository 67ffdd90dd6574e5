import type { Call } from '../simulator/index.ts';
import type { Habits } from './habits.ts';
import { brokenEvents, sentEvents, type SentEvent } from './sent-stream.ts';
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
  /** Something was not read that may have said more about the usage. */
  readonly isPartial?: boolean;
  /** A note has to say what was missing, or could not be read. */
  readonly isNoted?: boolean;
  /** How many of the bytes that were sent had arrived. */
  readonly bytes: number;
}

/** What a call looked like from the bridge's side of the wire. */
export interface SeenCall extends Pick<Call, 'outcome' | 'behaviour' | 'endedAtMs'> {
  readonly sent: Pick<
    Call['sent'],
    'status' | 'headers' | 'headersAtMs' | 'chunks' | 'bytes' | 'text'
  >;
}

/** The last call of an interception. */
export interface MadeCall {
  readonly call: SeenCall;
  readonly api: TruthApi;
  /** When it was made, which may be long before the provider noticed it. */
  readonly startedMs: number;
  /** What a reader has to know of. */
  readonly habits: Habits;
  /** One turn of several: an answer that is no stream is kept back until it is known to be the last. */
  readonly isTurn?: boolean;
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

/** How long the beginning of a stream is held back at most. */
const HELD_MS_MAX = 1_000;
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
  if (status >= 400) {
    const isReset = made.call.outcome === 'reset';
    return [refusedWith(status), ...(isReset ? [{ ...TRUNCATED, ...NOTHING }] : [])];
  }
  return isEventStream(made.call) ? ofStream(made, arrivedAtLeast) : ofBody(made);
}

const NOTHING = { isRelayed: false, tokens: undefined, bytes: 0 };

/** What a reset leaves that destroyed everything, or all but the first bytes of the head. */
export const WITHOUT_HEAD: readonly Expectation[] = [
  { ...UNREACHABLE, ...NOTHING },
  { ...TRUNCATED, ...NOTHING },
];

function withoutHead(made: MadeCall): Expectation[] {
  if (made.call.outcome === 'reset') return [{ ...UNREACHABLE, ...NOTHING }];
  return hasTimedOut(made) ? [{ ...TIMED_OUT, ...NOTHING }] : [];
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
  const isAllThere = bytes.length === Number(headers['content-length'] ?? NaN);
  const tokens = usageOfBody(call, api);
  const whole = { isRelayed: true, ...wholeOf(made), tokens, bytes: bytes.length };
  const cut = { isRelayed: !isHeld(made), tokens: undefined, bytes: bytes.length };
  const ifWhole = isAllThere ? [whole] : [];
  if (call.outcome === 'client_closed') {
    return hasTimedOut(made) ? [...ifWhole, { ...TIMED_OUT, ...cut }] : ifWhole;
  }
  const truncated = { ...TRUNCATED, ...cut };
  if (call.outcome === 'reset') {
    // Of a long answer so little may have been left that it was still held.
    return [...ifWhole, truncated, { ...truncated, isRelayed: false }];
  }
  return isAllThere || hasCleanEnd(call) ? [whole] : [truncated];
}

function isHeld({ call, api, isTurn = false }: MadeCall): boolean {
  return isTurn || (api.name !== 'passthrough' && call.sent.bytes.length < HELD_BYTES_MAX);
}

/** What an answer that came to its end is to an API that reads it. */
function wholeOf({ call, api, isTurn = false }: MadeCall): Cut & { isRelayed?: boolean } {
  if (api.name === 'passthrough' || isObject(call.sent.text)) return SERVED;
  return isTurn ? { ...MALFORMED, outcome: 'transport_error', isRelayed: false } : MALFORMED;
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
  // Of the next event a part may have come, and nothing after it.
  const arrived = events.filter(({ endsAt }) => endsAt <= arrivedAtLeast);
  const isPossible = arrivedAtLeast === 0 || arrived.length > 0;
  const torn = isPossible ? streamed(made, arrived, arrivedAtLeast) : [];
  return [...whole, ...shorter, ...torn];
}

function streamed(made: MadeCall, events: readonly SentEvent[], bytes: number): Expectation[] {
  const { call, api, habits } = made;
  const read = call.sent.bytes.subarray(0, bytes);
  const known = { tokens: api.usageOfStream(events), bytes };
  const isPartial =
    habits.has('broken_event') && brokenEvents(read).some(({ name }) => api.isDocumented(name));
  const error = events.map((event) => api.errorOf(event)).find((type) => type !== undefined);
  if (error !== undefined) {
    const errorType = TYPE_OF_STREAM_ERROR[error] ?? `no type is known for ${error}`;
    return [{ status: 'failed', errorType, outcome: 'relayed_error', isRelayed: true, ...known }];
  }
  const isComplete = events.some((event) => api.isTerminal(event) && isEnded(call, event));
  if (isComplete || isFinished(made, events)) {
    const isNoted = isPartial || !isComplete;
    return [{ ...SERVED, isRelayed: true, ...known, isPartial, isNoted }];
  }
  return brokenOff(made, events, known);
}

/** An event ends with an empty line; where the connection was lost before it, it never came. */
function isEnded(call: SeenCall, { endsAt }: SentEvent): boolean {
  const end = call.sent.bytes.subarray(Math.max(0, endsAt - 4), endsAt).toString('latin1');
  return hasCleanEnd(call) || /\n\r?\n$/.test(end);
}

/** Nothing is missing but the event that says so. */
function isFinished({ call, api, habits }: MadeCall, events: readonly SentEvent[]): boolean {
  return habits.has('missing_terminal') && hasCleanEnd(call) && api.isFinished(events);
}

function brokenOff(
  made: MadeCall,
  events: readonly SentEvent[],
  known: Pick<Expectation, 'tokens' | 'bytes'>,
): Expectation[] {
  const { call } = made;
  const isLeft = call.outcome === 'client_closed';
  if (isLeft && !hasTimedOut(made)) return [];
  const how = isLeft ? TIMED_OUT : TRUNCATED;
  const begun = { ...how, ...known, isRelayed: true };
  const unbegun = { ...how, ...known, isRelayed: false, tokens: undefined };
  if (events.some((event) => isEnded(call, event))) return [begun];
  // Half of a first event that ends like a whole answer may count as a beginning, as may one that
  // lacks nothing but its empty line, and whatever was there when the bridge had held it back for as
  // long as it does.
  const mayHaveBegun = events.length > 0 || hasCleanEnd(call) || isLeft || wasHeldForLong(call);
  return mayHaveBegun && known.bytes > 0 ? [begun, unbegun] : [unbegun];
}

/** A comment is handed on sooner than that, where nothing else can be waited for. */
function wasHeldForLong({ sent, endedAtMs }: SeenCall): boolean {
  const heldMs = (endedAtMs ?? Infinity) - (sent.chunks[0]?.atMs ?? Infinity);
  return sent.text.startsWith(':') || heldMs >= HELD_MS_MAX - CLOCK_SLACK_MS;
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
  return (call.endedAtMs ?? 0) - silentSinceMs >= patienceMs(call.sent.chunks.length);
}

/** How long nothing has to come, after so many chunks, before the bridge hangs up. */
function patienceMs(chunkCount: number): number {
  return (chunkCount === 0 ? FIRST_BYTE_TIMEOUT_MS : IDLE_TIMEOUT_MS) - CLOCK_SLACK_MS;
}

/**
 * The call as the bridge may have had it when it hung up for a silence of the provider,
 * which may have been busy and then have answered all the same: once for every silence
 * that was long enough. What was said last before one had been handed over by then; what
 * was said next had not yet left.
 */
export function untilSilences({ call, startedMs }: MadeCall): SeenCall[] {
  const { chunks } = call.sent;
  const endedAtMs = call.endedAtMs ?? startedMs;
  const saidMs = [startedMs, ...chunks.map(({ atMs }) => atMs)];
  const leftMs = [...chunks.map((chunk) => chunk.leftAtMs ?? endedAtMs), endedAtMs];
  return saidMs.flatMap((atMs, count) => {
    const nextMs = leftMs[count] ?? endedAtMs;
    return nextMs - atMs >= patienceMs(count) ? [hungUpOn(call, count, nextMs)] : [];
  });
}

function hungUpOn(call: SeenCall, count: number, endedAtMs: number): SeenCall {
  const { status, headers, headersAtMs } = call.sent;
  const chunks = call.sent.chunks.slice(0, count);
  const bytes = Buffer.concat(chunks.map((chunk) => chunk.bytes));
  return {
    behaviour: call.behaviour,
    outcome: count === 0 ? 'never_answered' : 'client_closed',
    endedAtMs,
    sent: {
      status: count === 0 ? null : status,
      headers,
      headersAtMs,
      chunks,
      bytes,
      text: bytes.toString(),
    },
  };
}
