import { differing, type Evidence } from './evidence.ts';
import type { Expectation, SeenCall } from './expectation.ts';
import { saidIn, together, type Said } from './said.ts';
import { parsed, sentEvents } from './sent-stream.ts';
import { isHidden, namesHidden } from './tool-loops.ts';
import { saidBy, sumOf, tokensIn, turnsIn, type TurnsBefore } from './turns.ts';

type Seen = Pick<Evidence, 'request' | 'seen'>;

interface LastTurn {
  readonly last: SeenCall;
  readonly expected: Expectation;
  readonly status: number | null;
  readonly before: TurnsBefore;
}

/** What is wrong with the one answer that the caller got of all turns; undefined: it is as that of any call. */
export function wrongAnswer({ request, seen }: Seen, turn: LastTurn): string[] | undefined {
  const { last, expected, status, before } = turn;
  const hasBegun = before.count > 0 && request.mode === 'streaming';
  const isRefused = Number(status) >= 400;
  if (!hasBegun && (isRefused || !expected.isRelayed)) return undefined;
  const found = differing(
    { client: seen.kind, status: seen.status },
    { client: 'complete', status: 200 },
  );
  if (found.length > 0) return found;
  if (expected.outcome === 'served') return wrongWhole({ request, seen }, turn);
  const owed = together([before.said, isRefused ? NOTHING : owedOf(last, expected, request)]);
  const isThere = saidToClient({ request, seen }).text.startsWith(owed.text);
  return [...(isThere ? [] : ['the client lost what was said']), ...untold({ request, seen })];
}

/** A stream that had begun in an earlier turn has come to nothing in this one. */
export function wrongEnd({ request, seen }: Seen, before: TurnsBefore): string[] {
  const said = saidToClient({ request, seen });
  return [
    ...differing({ client: seen.kind, status: seen.status }, { client: 'complete', status: 200 }),
    ...(said.text === before.said.text ? [] : ['the client did not get what was said']),
    ...untold({ request, seen }),
  ];
}

/** Whatever came of it: nothing of the bridge's tools, and nothing that nobody said. */
export function wrongInAnyCase(evidence: Evidence): string[] {
  const { request, seen } = evidence;
  const found = namesHidden(seen.bytes) ? ['the client saw a call of the bridge’s tools'] : [];
  if (request.mode === 'blocking' || seen.status !== 200) return found;
  const sent = turnsIn(evidence).flatMap(({ calls }) => calls.at(-1) ?? []);
  const said = together(sent.map((call) => saidBy(call, request)));
  const isSaid = said.text.startsWith(saidToClient({ request, seen }).text);
  return isSaid ? found : [...found, 'the client got what nobody said, or not in its order'];
}

function wrongWhole(
  { request, seen }: Seen,
  { last, expected, before }: Omit<LastTurn, 'status'>,
): string[] {
  const { api, mode } = request;
  const whole = together([before.said, saidBy(last, request)]);
  const said = saidToClient({ request, seen });
  const own = whole.calls.filter((call) => !isHidden(call));
  const isStream = mode === 'streaming';
  const events = isStream ? sentEvents(seen.bytes) : [];
  const isEnded =
    !isStream || expected.isNoted === true || events.some((one) => api.isTerminal(one));
  const usage = isStream ? api.usageOfStream(events) : api.usageOf(parsed(seen.bytes.toString()));
  const tokens = tokensIn(last, request);
  const isCounted = before.isCounted && tokens !== undefined && expected.isPartial !== true;
  return [
    ...(said.text === whole.text ? [] : ['the client did not get what was said']),
    ...differing({ calls: JSON.stringify(said.calls) }, { calls: JSON.stringify(own) }),
    ...(isEnded ? [] : ['the client’s stream has no end']),
    ...(isCounted ? differing({ ...usage }, { ...sumOf(before.tokens, tokens) }) : []),
  ];
}

/** What had come as whole events; a reset may destroy anything. */
function owedOf(last: SeenCall, { bytes }: Expectation, request: Evidence['request']): Said {
  if (last.outcome === 'reset') return NOTHING;
  const sent = last.sent.bytes.subarray(0, Math.min(bytes, last.sent.bytes.length));
  const end = Math.max(sent.lastIndexOf('\n\n') + 2, sent.lastIndexOf('\r\n\r\n') + 4);
  const whole = end > 4 ? sent.subarray(0, end) : Buffer.alloc(0);
  return saidIn({ api: request.api, isStream: true }, whole);
}

function saidToClient({ request, seen }: Seen): Said {
  return saidIn({ api: request.api, isStream: request.mode === 'streaming' }, seen.bytes);
}

/** By the bridge, or in the provider's own words. */
function untold({ request: { api }, seen }: Seen): string[] {
  const isTold =
    api.inBandError?.test(seen.bytes.toString()) === true ||
    sentEvents(seen.bytes).some((event) => api.errorOf(event) !== undefined);
  return isTold ? [] : ['the client was not told that the stream broke off'];
}

const NOTHING: Said = { text: '', calls: [] };
