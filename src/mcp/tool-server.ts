import type { McpServerConfig } from '../config/index.ts';
import type { Clock } from '../core/clock.ts';
import type { JsonObject } from '../core/json.ts';
import type { Pauses } from '../core/kept-up.ts';
import { orAborted } from '../core/or-aborted.ts';
import { resultOfFailure } from './call-words.ts';
import { ServerLink, type LinkWitness } from './server-link.ts';
import type { ToolResult, ToolUser } from './tool-offer.ts';
import { toolResultOf } from './tool-result.ts';
import { userHeaders } from './user-headers.ts';
import { connectionsToServer } from './wire/server-fetch.ts';
import { SessionPool, type PoolBounds } from './wire/session-pool.ts';
import { Session, type SessionTarget } from './wire/session.ts';
import { wireFailureOf } from './wire/wire-failure.ts';

/** A list of tools is longer than most results. */
const ANSWER_BYTES_MIN = 4 * 2 ** 20;

type Headers = Readonly<Record<string, string>>;

export interface ToolServerParts {
  readonly clock: Clock;
  readonly resultBytesMax: number;
  readonly pauses: Pauses;
  readonly userSessions: PoolBounds;
  readonly witness: LinkWitness;
}

/** One server of tools. With headers that say who calls, every caller has a session of their own. */
export class ToolServer {
  readonly config: McpServerConfig;
  readonly link: ServerLink;
  readonly #resultBytesMax: number;
  readonly #agent = connectionsToServer();
  readonly #stopping = new AbortController();
  readonly #userSessions: SessionPool<Session>;

  constructor(config: McpServerConfig, parts: ToolServerParts) {
    const { clock, pauses, witness, userSessions, resultBytesMax } = parts;
    this.config = config;
    this.#resultBytesMax = resultBytesMax;
    this.#userSessions = new SessionPool(userSessions);
    const open = (signal: AbortSignal): Promise<Session> =>
      this.#open({ headers: this.#ownHeaders(), isListening: true }, signal);
    this.link = new ServerLink({ open, clock, pauses, witness });
  }

  /** Why it last failed, without what the server may have said back of what it was sent. */
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
      return toolResultOf(await this.#answer(ask, user, signal), this.#resultBytesMax);
    } catch (error) {
      signal.throwIfAborted();
      const { callTimeoutMs } = this.config;
      const result = resultOfFailure(wireFailureOf(error), {
        callTimeoutMs,
        resultBytesMax: this.#resultBytesMax,
      });
      return { ...result, error: result.error && this.#masked(result.error) };
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
      if (used === undefined || wireFailureOf(error).kind !== 'session_lost') throw error;
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

  #open(
    rest: Pick<SessionTarget, 'headers' | 'isListening'>,
    signal: AbortSignal,
  ): Promise<Session> {
    const { url, callTimeoutMs } = this.config;
    const answerBytesMax = Math.max(ANSWER_BYTES_MIN, 2 * this.#resultBytesMax);
    const target = { url, agent: this.#agent, callMsMax: callTimeoutMs, answerBytesMax, ...rest };
    return Session.open(target, signal);
  }

  #ownHeaders(): Headers {
    const pairs = this.config.headers.map(({ name, value }) => [name, value.reveal()] as const);
    return Object.fromEntries(pairs);
  }

  #masked(text: string): string {
    return this.config.headers.reduce((masked, { value }) => value.maskIn(masked), text);
  }
}
