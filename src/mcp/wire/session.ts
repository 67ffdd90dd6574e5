import { setTimeout as delay } from 'node:timers/promises';
import { Client, type ClientOptions, type StandardSchemaV1 } from '@modelcontextprotocol/client';
import type { JsonObject } from '../../core/json.ts';
import { CallTransport } from './call-transport.ts';
import { wireFailureOf } from './judged-failure.ts';
import { serverFetch, type FetchTarget } from './server-fetch.ts';
import { WireFailure } from './wire-failure.ts';

/** Chosen here, so that no release of the SDK adds or drops one unnoticed; the first is offered. */
const VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
/** Has no sessions; spoken with servers that speak nothing else. */
const SESSIONLESS_VERSION = '2026-07-28';
const CLIENT_INFO = { name: 'aibridge', version: '1' };

const OPEN_MS_MAX = 10_000;
const LIST_PAGE_MS_MAX = 30_000;
const PING_MS_MAX = 10_000;
const GOODBYE_MS_MAX = 5_000;
/** A call has its own timeout; what is left after it is time for the last bytes. */
const AFTER_CALL_MS = 5_000;

/** How the SDK takes up streams that have broken: for as long as the session lasts, but never in a hurry. */
const RECONNECTION = {
  initialReconnectionDelay: 1_000,
  maxReconnectionDelay: 30_000,
  reconnectionDelayGrowFactor: 2,
  maxRetries: Number.MAX_SAFE_INTEGER,
};

/** Results are read by readers of our own: one odd tool or part is no reason to lose the others. */
const AS_IT_CAME: StandardSchemaV1<unknown, unknown> = {
  '~standard': { version: 1, vendor: 'aibridge', validate: (value) => ({ value }) },
};

/** Schemas of servers are handed on and never made into code. */
const NO_VALIDATION: NonNullable<ClientOptions['jsonSchemaValidator']> = {
  getValidator: () => () => ({ valid: false, data: undefined, errorMessage: 'not validated' }),
};

export interface SessionTarget extends Omit<FetchTarget, 'answerMsMax'> {
  readonly url: string;
  readonly callMsMax: number;
}

/** What there is to be told between calls. */
export type SessionNews = 'forgotten' | 'list_changed' | 'trouble' | 'quiet';

/** One session with a server. What goes wrong in it is thrown as a `WireFailure`. */
export class Session {
  readonly #client: Client;
  readonly #transport: CallTransport;
  readonly #callMsMax: number;
  #callsUnderWay = 0;
  #isDeaf = false;
  #news = new Set<SessionNews>();
  #bell = Promise.withResolvers<void>();

  private constructor({ url, callMsMax, ...target }: SessionTarget, isSessionless: boolean) {
    this.#callMsMax = callMsMax;
    this.#client = new Client(CLIENT_INFO, {
      ...(isSessionless
        ? { versionNegotiation: { mode: { pin: SESSIONLESS_VERSION } } }
        : { supportedProtocolVersions: VERSIONS }),
      capabilities: {},
      jsonSchemaValidator: NO_VALIDATION,
    });
    this.#transport = new CallTransport(new URL(url), {
      fetch: serverFetch({ ...target, answerMsMax: callMsMax + AFTER_CALL_MS }),
      // Otherwise it follows those that stay within the origin.
      requestInit: { redirect: 'manual' },
      reconnectionOptions: RECONNECTION,
      reconnectionScheduler: unhurried,
    });
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK has no other way
    this.#client.onerror = () => this.#tell('trouble');
    this.#client.setNotificationHandler('notifications/tools/list_changed', () =>
      this.#tell('list_changed'),
    );
  }

  static async open(target: SessionTarget, signal: AbortSignal): Promise<Session> {
    const upTo = AbortSignal.any([signal, AbortSignal.timeout(OPEN_MS_MAX)]);
    try {
      return await Session.#openedAs(new Session(target, false), target, upTo);
    } catch (error) {
      if (wireFailureOf(error).kind !== 'sessionless') throw error;
      return Session.#openedAs(new Session(target, true), target, upTo);
    }
  }

  static async #openedAs(
    session: Session,
    { isListening }: SessionTarget,
    upTo: AbortSignal,
  ): Promise<Session> {
    // The SDK bounds the first request only; closing ends whatever it waits for.
    const giveUp = (): void => void session.#transport.close();
    upTo.addEventListener('abort', giveUp);
    try {
      upTo.throwIfAborted();
      await session.#client.connect(session.#transport, { timeout: OPEN_MS_MAX });
      if (isListening) await session.#listen();
      upTo.throwIfAborted();
      return session;
    } catch (error) {
      giveUp();
      const failure = wireFailureOf(upTo.aborted ? upTo.reason : error);
      // To a caller it is all one whether a server does not answer a call or nobody at all.
      throw failure.kind === 'timeout' ? new WireFailure('unreachable', failure.message) : failure;
    } finally {
      upTo.removeEventListener('abort', giveUp);
    }
  }

  get protocolVersion(): string | undefined {
    return this.#client.getNegotiatedProtocolVersion();
  }

  get serverInfo(): { readonly name: string; readonly version: string } | undefined {
    return this.#client.getServerVersion();
  }

  get hasTools(): boolean {
    return this.#client.getServerCapabilities()?.tools !== undefined;
  }

  /** Whether the server says when its list of tools changes. */
  get tellsOfChanges(): boolean {
    const tells = this.#client.getServerCapabilities()?.tools?.listChanged === true;
    return tells && !this.#isDeaf;
  }

  get callsUnderWay(): number {
    return this.#callsUnderWay;
  }

  /** A page of the list of tools, as it came. */
  toolPage(cursor: string | undefined, signal: AbortSignal): Promise<unknown> {
    const params = cursor === undefined ? {} : { cursor };
    return this.#request('tools/list', params, { timeout: LIST_PAGE_MS_MAX, signal });
  }

  /** The result of a call, as it came. */
  async call(tool: string, input: JsonObject, signal: AbortSignal): Promise<unknown> {
    this.#callsUnderWay += 1;
    try {
      const params = { name: tool, arguments: input };
      return await this.#request('tools/call', params, { timeout: this.#callMsMax, signal });
    } finally {
      this.#callsUnderWay -= 1;
    }
  }

  /** Whether the server is there and knows this session. That it knows no pings is an answer too. */
  async ping(signal: AbortSignal): Promise<void> {
    const method = this.#isSessionless ? 'server/discover' : 'ping';
    try {
      await this.#request(method, {}, { timeout: PING_MS_MAX, signal });
    } catch (error) {
      const failure = wireFailureOf(error);
      if (failure.kind !== 'refused') throw failure;
    }
  }

  /** What has happened since the last time, or will within the time. */
  async news(withinMs: number, signal: AbortSignal): Promise<SessionNews> {
    const over = new AbortController();
    const timer = delay(withinMs, undefined, {
      ref: false,
      signal: AbortSignal.any([signal, over.signal]),
    });
    await Promise.race([timer.catch(() => undefined), this.#bell.promise]);
    over.abort();
    this.#bell = Promise.withResolvers<void>();
    const [first = 'quiet'] = this.#news;
    const news = this.#news.has('forgotten') ? 'forgotten' : first;
    this.#news.delete(news);
    if (this.#news.size > 0) this.#bell.resolve();
    return news;
  }

  /** Tells the server, if it is still there, and ends whatever is under way. */
  async close(): Promise<void> {
    const goodbye = this.#transport.terminateSession().catch(() => undefined);
    await Promise.race([goodbye, delay(GOODBYE_MS_MAX, undefined, { ref: false })]);
    await this.#client.close().catch(() => undefined);
  }

  /** Ends whatever is under way with a server that is not there any more. */
  async drop(): Promise<void> {
    await this.#client.close().catch(() => undefined);
  }

  get #isSessionless(): boolean {
    return this.protocolVersion === SESSIONLESS_VERSION;
  }

  /** With sessions the SDK listens on its own. A server that ends the stream is asked from time to time. */
  async #listen(): Promise<void> {
    if (!this.#isSessionless || !this.tellsOfChanges) return;
    const filter = { toolsListChanged: true };
    const subscription = await this.#client.listen(filter, { timeout: OPEN_MS_MAX });
    void subscription.closed.then(() => (this.#isDeaf = true));
  }

  #tell(news: SessionNews): void {
    this.#news.add(news);
    this.#bell.resolve();
  }

  async #request(
    method: string,
    params: Record<string, unknown>,
    options: { readonly timeout: number; readonly signal: AbortSignal },
  ): Promise<unknown> {
    try {
      return await this.#client.request({ method, params }, AS_IT_CAME, options);
    } catch (error) {
      throw this.#judged(wireFailureOf(error));
    }
  }

  /** Where there is no session, there is none to be forgotten. */
  #judged(failure: WireFailure): WireFailure {
    if (failure.kind !== 'session_lost') return failure;
    if (this.#transport.sessionId === undefined) return new WireFailure('http', failure.message);
    this.#tell('forgotten');
    return failure;
  }
}

/** A server may name the pause itself, be it none at all or a year. */
function unhurried(reconnect: () => void, pauseMs: number): () => void {
  const { initialReconnectionDelay: minMs, maxReconnectionDelay: maxMs } = RECONNECTION;
  const timer = setTimeout(reconnect, Math.min(maxMs, Math.max(minMs, pauseMs)));
  timer.unref();
  return () => clearTimeout(timer);
}
