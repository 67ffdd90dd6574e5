import type { McpServerConfig } from '../config/index.ts';
import type { JsonObject } from '../core/json.ts';
import { Secret } from '../core/secret.ts';
import { orAborted } from '../core/or-aborted.ts';
import { resultOfFailure } from './call-words.ts';
import { ServerLink, type LinkParts } from './server-link.ts';
import type { ToolResult, ToolUser } from './tool-offer.ts';
import { toolResultOf } from './tool-result.ts';
import { userHeaders } from './user-headers.ts';
import { connectionsToServer } from './wire/server-fetch.ts';
import { SessionPool, type PoolBounds } from './wire/session-pool.ts';
import type { Session, SessionTarget } from './wire/session.ts';
import { WireFailure, asWireFailure } from './wire/wire-failure.ts';

/** A list of tools is longer than most results. */
const ANSWER_BYTES_MIN = 4 * 2 ** 20;

type Headers = SessionTarget['headers'];

export interface ToolServerParts extends Omit<LinkParts, 'open'> {
  readonly resultBytesMax: number;
  readonly userSessions: PoolBounds;
}

/** One server of tools. With headers that say who calls, every caller has a session of their own. */
export class ToolServer {
  readonly config: McpServerConfig;
  readonly link: ServerLink;
  readonly #resultBytesMax: number;
  readonly #secrets: readonly Secret[];
  readonly #agent = connectionsToServer();
  readonly #stopping = new AbortController();
  readonly #userSessions: SessionPool<Session>;

  constructor(config: McpServerConfig, parts: ToolServerParts) {
    const { userSessions, resultBytesMax, ...rest } = parts;
    this.config = config;
    this.#resultBytesMax = resultBytesMax;
    this.#secrets = secretsIn(config.headers);
    this.#userSessions = new SessionPool(userSessions);
    const open = (signal: AbortSignal): Promise<Session> =>
      this.#open({ headers: this.#ownHeaders(), isListening: true }, signal);
    this.link = new ServerLink({ open, ...rest });
  }

  /** Why it last failed. Servers are known to say back what they were sent, here and in results: it is masked. */
  get lastError(): string | undefined {
    const { lastError } = this.link;
    return lastError && this.#masked(lastError);
  }

  /** How many callers have a session of their own at the moment. */
  get userSessionCount(): number {
    return this.#userSessions.size;
  }

  start(): void {
    this.link.start();
  }

  /** Takes leave of the server in every session, for which it has five seconds. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.link.stop(), this.#userSessions.close()]);
    await this.#agent.destroy();
  }

  /** As `ToolServers.call`. */
  async call(
    tool: string,
    input: JsonObject,
    user: ToolUser,
    signal: AbortSignal,
  ): Promise<ToolResult> {
    signal.throwIfAborted();
    const ask = (session: Session): Promise<unknown> => session.call(tool, input, signal);
    try {
      const answer = await this.#answer(ask, user, signal);
      return toolResultOf(answer, this.#resultBytesMax, (text) => this.#masked(text));
    } catch (error) {
      signal.throwIfAborted();
      const { kind, message } = asWireFailure(error);
      return resultOfFailure(new WireFailure(kind, this.#masked(message)), {
        callTimeoutMs: this.config.callTimeoutMs,
        resultBytesMax: this.#resultBytesMax,
      });
    }
  }

  /** Asks once more in a new session when the server does not know the first, and so has not run anything. */
  async #answer(
    ask: (session: Session) => Promise<unknown>,
    user: ToolUser,
    signal: AbortSignal,
  ): Promise<unknown> {
    let used: Session | undefined;
    const attempt = (lost?: Session): Promise<unknown> =>
      this.#withSession(user, signal, { lost, use: (session) => ask((used = session)) });
    try {
      return await attempt();
    } catch (error) {
      if (used === undefined || asWireFailure(error).kind !== 'session_lost') throw error;
      return attempt(used);
    }
  }

  async #withSession<T>(
    user: ToolUser,
    signal: AbortSignal,
    { lost, use }: { lost: Session | undefined; use: (session: Session) => Promise<T> },
  ): Promise<T> {
    const isShared = this.config.userHeaders.length === 0;
    if (isShared) return use(await this.link.session(signal, lost));
    // The server is down for callers of their own, too, when it is for nobody in particular.
    await this.link.session(signal);
    const [owner, headers] = this.#ownerOf(user);
    if (lost !== undefined) await this.#userSessions.forget(owner, lost);
    const open = (): Promise<Session> =>
      this.#open({ headers, isListening: false }, this.#stopping.signal);
    return orAborted(this.#userSessions.with(owner, open, use), signal);
  }

  /** Whoever the server is told that it is: a header that says so never falls back to the server's own. */
  #ownerOf(user: ToolUser): readonly [owner: string, headers: Headers] {
    const templates = this.config.userHeaders;
    const theirs = userHeaders(templates, user);
    const rest = Object.entries(this.#ownHeaders()).filter(([name]) =>
      templates.every((template) => template.name !== name),
    );
    return [JSON.stringify([user.id, theirs]), { ...Object.fromEntries(rest), ...theirs }];
  }

  /** The client is 30 MiB that a bridge without tool servers does not need. */
  async #open(
    rest: Pick<SessionTarget, 'headers' | 'isListening'>,
    signal: AbortSignal,
  ): Promise<Session> {
    const { url, callTimeoutMs } = this.config;
    const answerBytesMax = Math.max(ANSWER_BYTES_MIN, 2 * this.#resultBytesMax);
    const target = { url, agent: this.#agent, callMsMax: callTimeoutMs, answerBytesMax, ...rest };
    const wire = await import('./wire/session.ts');
    return wire.Session.open(target, signal);
  }

  #ownHeaders(): Headers {
    return Object.fromEntries(this.config.headers.map(({ name, value }) => [name, value]));
  }

  #masked(text: string): string {
    return this.#secrets.reduce((masked, secret) => secret.maskIn(masked), text);
  }
}

/** What must not be said back: the headers, and credentials in them without their scheme. */
function secretsIn(headers: McpServerConfig['headers']): readonly Secret[] {
  const values = headers.map(({ value }) => value);
  const credentials = values.flatMap((value) => {
    const [, credential] = /^\S+ +(\S+)$/.exec(value.reveal()) ?? [];
    return credential === undefined ? [] : [new Secret(credential)];
  });
  return [...values, ...credentials].filter(({ isDistinctive }) => isDistinctive);
}
