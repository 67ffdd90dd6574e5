import { Agent, fetch, type Response as UndiciResponse } from 'undici';
import type { Secret } from '../../core/secret.ts';
import { boundedBody, boundedEvents } from './bounded-body.ts';

const CONNECTIONS_MAX = 256;
const CONNECT_MS_MAX = 10_000;
const ERROR_BYTES_MAX = 64 * 1024;

export interface FetchTarget {
  readonly agent: Agent;
  /** Beside those of the protocol. */
  readonly headers: Readonly<Record<string, string | Secret>>;
  /** Of an answer, or of one event in the stream of those that belong to no call. */
  readonly answerBytesMax: number;
  /** From the beginning of a request to the last byte of its answer. */
  readonly answerMsMax: number;
  /** Whether the stream is opened by which the server says things on its own. */
  readonly isListening: boolean;
}

/** The connections to one server. Undici's own timeouts are off: the bounds below are the ones that count. */
export function connectionsToServer(): Agent {
  return new Agent({
    connections: CONNECTIONS_MAX,
    connect: { timeout: CONNECT_MS_MAX },
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/**
 * `fetch` for a server that may be anything: what it sends is bounded while it arrives, in
 * time as well, and a redirect is an answer like any other, so that headers go to nobody else.
 */
export function serverFetch(target: FetchTarget) {
  return async (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    const isStream = isEndless(init.method, headers);
    if (isStream && !isWanted(target, headers)) return new Response(null, { status: 405 });
    const response = await fetch(url, {
      method: init.method ?? 'POST',
      headers: { ...Object.fromEntries(headers), ...revealed(target.headers) },
      body: typeof init.body === 'string' ? init.body : null,
      redirect: 'manual',
      dispatcher: target.agent,
      signal: isStream ? (init.signal ?? null) : withDeadline(init.signal, target.answerMsMax),
    });
    return bounded(response, isStream && response.ok, target.answerBytesMax);
  };
}

/** By either way in which a server says things on its own. */
function isEndless(method: string | undefined, headers: Headers): boolean {
  return method === 'GET' || headers.get('mcp-method') === 'subscriptions/listen';
}

/** What belongs to a call is taken up where it broke off. */
function isWanted({ isListening }: FetchTarget, headers: Headers): boolean {
  return isListening || headers.has('last-event-id');
}

function revealed(headers: FetchTarget['headers']): Record<string, string> {
  const pairs = Object.entries(headers).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : value.reveal(),
  ]);
  return Object.fromEntries(pairs);
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
