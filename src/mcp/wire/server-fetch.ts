import { Agent, fetch, type Response as UndiciResponse } from 'undici';
import { boundedBody, boundedEvents } from './bounded-body.ts';

const CONNECT_MS_MAX = 10_000;
const ERROR_BYTES_MAX = 64 * 1024;

export interface FetchBounds {
  /** Of an answer, or of one event in the stream of those that belong to no call. */
  readonly answerBytesMax: number;
  /** From the beginning of a request to the last byte of its answer. */
  readonly answerMsMax: number;
  /** Whether the stream is opened by which the server says things on its own. */
  readonly isListening: boolean;
}

/** The connections to one server. Undici's own timeouts are off: the bounds below are the ones that count. */
export function connectionsToServer(): Agent {
  return new Agent({ connect: { timeout: CONNECT_MS_MAX }, headersTimeout: 0, bodyTimeout: 0 });
}

/**
 * `fetch` for a server that may be anything: what it sends is bounded while it arrives, in
 * time as well, and a redirect is an answer like any other, so that headers go to nobody else.
 */
export function serverFetch(agent: Agent, bounds: FetchBounds) {
  return async (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    const isStream = init.method === 'GET';
    if (isStream && !bounds.isListening) return new Response(null, { status: 405 });
    const response = await fetch(url, {
      ...asUndici(init),
      redirect: 'manual',
      dispatcher: agent,
      signal: isStream ? (init.signal ?? null) : withDeadline(init.signal, bounds.answerMsMax),
    });
    return bounded(response, isStream && response.ok, bounds.answerBytesMax);
  };
}

/** What the SDK sets, in the types of the library beside those of Node. */
function asUndici({ method = 'GET', headers, body }: RequestInit) {
  const pairs = Object.fromEntries(new Headers(headers));
  return { method, headers: pairs, body: typeof body === 'string' ? body : null };
}

function bounded(response: UndiciResponse, isStream: boolean, bytesMax: number): Response {
  const { status, statusText, ok, body } = response;
  const bound = isStream ? boundedEvents : boundedBody;
  const answer = body && bound(body, ok ? bytesMax : ERROR_BYTES_MAX);
  return new Response(answer, { status, statusText, headers: [...response.headers] });
}

function withDeadline(signal: AbortSignal | null | undefined, ms: number): AbortSignal {
  const deadline = AbortSignal.timeout(ms);
  return signal ? AbortSignal.any([signal, deadline]) : deadline;
}
