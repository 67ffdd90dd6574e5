import { parseJson } from '../../core/json.ts';
import type { Secret } from '../../core/secret.ts';
import type { Provider, UpstreamError } from '../../providers/index.ts';
import {
  ERROR_BOUNDS,
  headerValue,
  MaskedBody,
  PeekableBody,
  UpstreamFailure,
  type Answer,
  type Credential,
  type InspectedAnswer,
} from '../../upstream/index.ts';
import {
  BlindObserver,
  JsonObserver,
  StreamObserver,
  type AnswerObserver,
  type StartReading,
} from './answer-observer.ts';
import type { Api, StreamReader } from '../apis/api.ts';
import type { Gaps } from '../apis/gaps.ts';
import { decode, encodingsIn } from '../../core/content-decoding.ts';
import { PackedObserver } from './packed-observer.ts';
import { SideObserver } from './side-observer.ts';
import type { SideRoute } from '../apis/side-routes.ts';

/** An answer of which as much is known as may be without relaying any of it. */
export interface Inspected extends InspectedAnswer {
  readonly body: PeekableBody;
  /** Has not seen anything yet: it reads along when the answer is relayed. */
  readonly observer: AnswerObserver;
}

export interface Inspection {
  readonly provider: Provider;
  /** Undefined for what is relayed without being read. */
  readonly api: Api | undefined;
  /** What is read along of what is not read. */
  readonly sideRoute: SideRoute | undefined;
  /** How many answers the request wants in one. */
  readonly choicesAsked: number;
  readonly method: string;
  /** The key of the pool that the answer came to, and that must not go on to the caller. */
  readonly poolKey: Secret | undefined;
}

const PEEK_BYTES_MAX = 64 * 1024;
/** How long the beginning of a stream is kept back while its first event is still to come: ADR 7. */
const HELD_MS_MAX = 1_000;

/**
 * Looks at the beginning of an answer to decide whether it is one: the body of an
 * error, the first event of a stream, a short answer as a whole. What comes later
 * is relayed as it comes. Rejects with an `UpstreamFailure`.
 */
export async function inspectAnswer(answer: Answer, inspection: Inspection): Promise<Inspected> {
  const { poolKey } = inspection;
  const body = new PeekableBody(poolKey ? new MaskedBody(answer.body, poolKey) : answer.body);
  const known = {
    answer: { ...answer, body },
    body,
    error: undefined,
    failure: undefined,
  };
  if (hasNoBody(answer, inspection)) {
    await body.peek(() => false, { bytesMax: PEEK_BYTES_MAX });
    return { ...known, observer: new BlindObserver() };
  }
  if (answer.status >= 400) return inspectError(known, inspection);
  const { api, choicesAsked } = inspection;
  if (api === undefined) return { ...known, observer: sideObserver(answer, inspection.sideRoute) };
  const encoding = encodingOf(answer);
  const isPacked = encodingsIn(encoding).length > 0;
  if (isEventStream(answer)) {
    const startReading = (gaps: Gaps): StreamReader => api.readStream(gaps, choicesAsked);
    if (!isPacked) return { ...known, ...(await inspectStream(body, startReading)) };
    const observer = new PackedObserver(encoding, new StreamObserver(startReading));
    return { ...known, observer };
  }
  await body.peek(() => false, { bytesMax: PEEK_BYTES_MAX });
  const observer = new JsonObserver(api);
  return { ...known, observer: isPacked ? new PackedObserver(encoding, observer) : observer };
}

/** Nothing is held back, so nothing is looked at beforehand. */
function sideObserver(answer: Answer, route: SideRoute | undefined): AnswerObserver {
  if (route?.answer === undefined) return new BlindObserver();
  const { api } = route;
  const encoding = encodingOf(answer);
  const reader = isEventStream(answer)
    ? new StreamObserver((gaps) => api.readStream(gaps, 1))
    : new JsonObserver(api);
  const isPacked = encodingsIn(encoding).length > 0;
  return new SideObserver(isPacked ? new PackedObserver(encoding, reader) : reader, route.answer);
}

async function inspectStream(
  body: PeekableBody,
  startReading: StartReading,
): Promise<Pick<Inspected, 'error' | 'observer'>> {
  // The first event is read twice, so that relaying starts from a clean reader.
  const scout = new StreamObserver(startReading);
  await body.peek(
    (chunk) => {
      scout.chunk(chunk);
      return scout.hasBegun;
    },
    { bytesMax: PEEK_BYTES_MAX, heldMaxMs: HELD_MS_MAX },
  );
  if (body.isEnded) {
    scout.end();
    if (!scout.hasBegun) {
      throw new UpstreamFailure('truncated', 'the stream ended before its first event');
    }
  }
  return { error: scout.openingError, observer: new StreamObserver(startReading) };
}

async function inspectError(
  known: Omit<Inspected, 'observer'>,
  { provider }: Inspection,
): Promise<Inspected> {
  const observer = new BlindObserver();
  try {
    await known.body.peek(() => false, ERROR_BOUNDS);
  } catch (failure) {
    if (!(failure instanceof UpstreamFailure)) throw failure;
    return { ...known, failure, observer };
  }
  const { peeked } = known.body;
  const decoded = await decode(peeked, encodingOf(known.answer), PEEK_BYTES_MAX);
  const text = decoded.kind === 'decoded' ? decoded.bytes : peeked;
  return { ...known, error: readError(provider, text), observer };
}

function readError(provider: Provider, body: Buffer): UpstreamError | undefined {
  const value = parseJson(body.toString('utf8'));
  return value === undefined ? undefined : provider.readError(value);
}

function encodingOf({ headers }: Answer): string {
  return headerValue(headers, 'content-encoding') ?? '';
}

function isEventStream(answer: Answer): boolean {
  const contentType = headerValue(answer.headers, 'content-type') ?? '';
  return contentType.toLowerCase().startsWith('text/event-stream');
}

/** Where an API is spoken, a body of no length is not the one that was promised. */
function hasNoBody({ status, headers }: Answer, { api, method }: Inspection): boolean {
  return (
    method === 'HEAD' ||
    status === 204 ||
    status === 304 ||
    (api === undefined && headerValue(headers, 'content-length') === '0')
  );
}

/** What callers sent themselves is no secret to them: their answers go down as they came. */
export function poolKeyOf({ kind, secret }: Credential): Secret | undefined {
  return kind === 'centralized' && secret.isDistinctive ? secret : undefined;
}
