import type { Clock } from '../core/clock.ts';
import { keptUp, type Pauses } from '../core/kept-up.ts';
import { orAborted } from '../core/or-aborted.ts';
import { waited } from '../core/waited.ts';
import { within } from '../core/within.ts';
import { readToolList, type ToolList } from './tools/tool-list.ts';
import type { Session } from './wire/session.ts';
import { WireFailure, asWireFailure } from './wire/wire-failure.ts';

/** How often one that does not tell of changes is asked for its tools. */
const LIST_EVERY_MS = 300_000;
/** So often at most it is asked because of something that it said. */
const PAUSE_MS = 500;
/** How long the tools of a server that is down are offered on: a restart must not change every prompt. */
const TOOLS_KEPT_MS = 120_000;
/** How long a call waits for a new session in place of one that the server has forgotten. */
const NEW_SESSION_MS_MAX = 10_000;
/** So often at most a session is replaced at once; a server that forgets every session is tried less and less. */
const REPLACE_EVERY_MS = 10_000;

const FORGOTTEN = 'it has forgotten the session';
const NO_TOOLS: ToolList = { tools: [], isCut: false };

export type ServerState = 'connecting' | 'connected' | 'down';

export interface LinkParts {
  readonly open: (signal: AbortSignal) => Promise<Session>;
  readonly clock: Clock;
  readonly pauses: Pauses;
  /** How often a server that says nothing is asked whether it is there. */
  readonly pingEveryMs: number;
  readonly witness: LinkWitness;
}

/** Told of everything that changes, once each. */
export interface LinkWitness {
  connected(): void;
  /** Also when the first attempt fails; not again until it has been connected. */
  lost(reason: string): void;
  toolsChanged(): void;
}

/** The session with a server that is no caller's own: kept up, and the list of tools with it. */
export class ServerLink {
  readonly #parts: LinkParts;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #session: Session | undefined;
  #about: Pick<Session, 'protocolVersion' | 'serverInfo'> | undefined;
  #state: ServerState = 'connecting';
  #sinceMs: number;
  #lastError: string | undefined;
  #list = NO_TOOLS;
  #replacedAtMs = -Infinity;
  #change = Promise.withResolvers<void>();

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#sinceMs = parts.clock.nowMs();
  }

  get state(): ServerState {
    return this.#state;
  }

  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** Why it last failed, even if all is well by now. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** What the server has listed, even if it is down, but not for long. */
  get list(): ToolList {
    return this.#list;
  }

  /** What the server last said of itself. */
  get about(): Pick<Session, 'protocolVersion' | 'serverInfo'> | undefined {
    return this.#about;
  }

  start(): void {
    const { pauses } = this.#parts;
    const { signal } = this.#stopping;
    const failed = (error: unknown): number | undefined => this.#failed(error);
    this.#running = keptUp((isUp) => this.#connection(isUp), { signal, pauses, failed });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /**
   * The session to use, other than the one that is known to be lost. Waits only
   * while a lost one is being replaced, never for a server that is down.
   */
  async session(signal: AbortSignal, lost?: Session): Promise<Session> {
    const deadlineMs = this.#parts.clock.monotonicMs() + NEW_SESSION_MS_MAX;
    for (;;) {
      if (this.#session !== undefined && this.#session !== lost) return this.#session;
      const leftMs = deadlineMs - this.#parts.clock.monotonicMs();
      if (this.#state !== 'connected' || this.#stopping.signal.aborted || leftMs <= 0) {
        throw new WireFailure('unreachable', this.#lastError ?? 'it is not connected yet');
      }
      const change = within(leftMs, this.#change.promise, 'no new session within');
      await orAborted(change, signal).catch(() => signal.throwIfAborted());
    }
  }

  async #connection(isUp: () => void): Promise<void> {
    const { open } = this.#parts;
    const { signal } = this.#stopping;
    const session = await open(signal);
    try {
      await this.#readList(session);
      this.#hold(session);
      await this.#watch(session, isUp);
    } finally {
      const isInUse = this.#session === session;
      this.#session = undefined;
      if (signal.aborted) await session.close();
      // Whoever waits for an answer is not to wait for the farewell as well.
      else void (isInUse ? session.drop() : session.close());
    }
  }

  /**
   * Until the session is of no use any more, which throws, or the link is stopped. It is up when it
   * has lasted until it was first looked after: a server that comes and goes is tried less and less.
   */
  async #watch(session: Session, isUp: () => void): Promise<void> {
    const { clock, pingEveryMs } = this.#parts;
    const { signal } = this.#stopping;
    let listedAtMs = clock.monotonicMs();
    for (;;) {
      const news = await session.news(pingEveryMs, signal);
      if (signal.aborted) return;
      if (news === 'forgotten') throw new WireFailure('session_lost', FORGOTTEN);
      const isStale = !session.tellsOfChanges && clock.monotonicMs() - listedAtMs >= LIST_EVERY_MS;
      if (news === 'list_changed' || (news === 'quiet' && isStale)) {
        await this.#readList(session);
        listedAtMs = clock.monotonicMs();
      } else await this.#ping(session);
      isUp();
      if (news !== 'quiet') await waited(PAUSE_MS, signal);
    }
  }

  /** A server that is busy with a call may have no time for anything else, which says nothing about it. */
  async #ping(session: Session): Promise<void> {
    try {
      await session.ping(this.#stopping.signal);
    } catch (error) {
      const isBusy = asWireFailure(error).kind === 'timeout' && session.callsUnderWay > 0;
      if (!isBusy) throw error;
    }
  }

  async #readList(session: Session): Promise<void> {
    const { signal } = this.#stopping;
    const page = (cursor: string | undefined): Promise<unknown> => session.toolPage(cursor, signal);
    this.#take(session.hasTools ? await readToolList(page) : NO_TOOLS);
  }

  #take(list: ToolList): void {
    if (JSON.stringify(list) === JSON.stringify(this.#list)) return;
    this.#list = list;
    this.#parts.witness.toolsChanged();
  }

  #hold(session: Session): void {
    const { protocolVersion, serverInfo } = session;
    this.#session = session;
    this.#about = { protocolVersion, serverInfo };
    if (this.#moveTo('connected')) this.#parts.witness.connected();
  }

  /** How long to wait before the next attempt, where that is not as usual. */
  #failed(error: unknown): number | undefined {
    const { kind, message } = asWireFailure(error);
    this.#lastError = message;
    if (kind === 'session_lost' && this.#state === 'connected' && this.#mayReplace()) return 0;
    if (this.#moveTo('down')) this.#parts.witness.lost(this.#lastError);
    if (this.#parts.clock.nowMs() - this.#sinceMs > TOOLS_KEPT_MS) this.#take(NO_TOOLS);
    return undefined;
  }

  /** Most likely the server was started anew; then there is no reason to wait. */
  #mayReplace(): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - this.#replacedAtMs < REPLACE_EVERY_MS) return false;
    this.#replacedAtMs = nowMs;
    return true;
  }

  /** Whether that is news. */
  #moveTo(state: ServerState): boolean {
    const isNews = state !== this.#state;
    this.#state = state;
    if (isNews) this.#sinceMs = this.#parts.clock.nowMs();
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
    return isNews;
  }
}
