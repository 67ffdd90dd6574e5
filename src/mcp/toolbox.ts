import type { McpConfig } from '../config/index.ts';
import type { Clock } from '../core/clock.ts';
import type { JsonObject } from '../core/json.ts';
import type { Logger, Metrics } from '../telemetry/index.ts';
import { catalogueOf, type CatalogueEntry } from './catalogue.ts';
import type { ServerState } from './server-link.ts';
import { ToolAccount } from './tool-account.ts';
import type { OfferedTool, ToolResult, ToolServers, ToolUser } from './tool-offer.ts';
import { failedResult } from './tool-result.ts';
import { ToolServer } from './tool-server.ts';
import { byBytes } from './tools/tool-name.ts';

const PAUSES = { minMs: 1_000, maxMs: 60_000 };
const PING_EVERY_MS = 30_000;
const USER_SESSIONS = { sessionsMax: 100, idleMs: 5 * 60_000 };
/** Of the sets of servers that callers may use; there are few, as there are few groups. */
const OFFERS_MAX = 1_000;

export interface ToolboxParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** A server as operators see it. */
export interface ToolServerSnapshot {
  readonly name: string;
  /** Without its query, which may hold a credential. */
  readonly url: string;
  readonly state: ServerState;
  readonly sinceMs: number;
  readonly lastError: string | undefined;
  readonly protocolVersion: string | undefined;
  readonly serverInfo: { readonly name: string; readonly version: string } | undefined;
  readonly groups: readonly string[] | undefined;
  readonly userSessions: number;
  readonly isListCut: boolean;
  readonly tools: readonly CatalogueEntry[];
}

/** All tools of all servers: what is offered to whom, and calls of it. */
export class Toolbox implements ToolServers {
  readonly #servers: readonly ToolServer[];
  readonly #account: ToolAccount;
  #catalogue: readonly (readonly CatalogueEntry[])[];
  /** By the servers that are allowed, as their numbers. */
  readonly #offers = new Map<string, readonly OfferedTool[]>();

  constructor(config: McpConfig, { clock, random, metrics, logger }: ToolboxParts) {
    const { resultBytesMax } = config;
    const account = new ToolAccount(logger);
    this.#account = account;
    this.#catalogue = config.servers.map(() => []);
    this.#servers = config.servers.map((each, index) => {
      const server: ToolServer = new ToolServer(each, {
        clock,
        resultBytesMax,
        pauses: { ...PAUSES, random },
        pingEveryMs: PING_EVERY_MS,
        userSessions: USER_SESSIONS,
        witness: {
          connected: () => account.connected(server),
          lost: () => account.lost(server),
          toolsChanged: () => this.#toolsChanged(index),
        },
      });
      return server;
    });
    account.measure(metrics.meter, this.#servers, (index) => this.#offeredOf(index).length);
  }

  get snapshots(): readonly ToolServerSnapshot[] {
    return this.#servers.map((server, index) => this.#snapshotOf(server, index));
  }

  /** Begins to connect to all servers, and waits for none. */
  start(): void {
    for (const server of this.#servers) server.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()));
  }

  offerFor(user: ToolUser): readonly OfferedTool[] {
    const allowed = this.#servers.flatMap((server, index) => (mayUse(server, user) ? [index] : []));
    const key = allowed.join();
    const known = this.#offers.get(key);
    if (known !== undefined) return known;
    if (this.#offers.size >= OFFERS_MAX) this.#offers.clear();
    const offer = this.#offerOf(allowed);
    this.#offers.set(key, offer);
    return offer;
  }

  async call(
    { server: name, tool }: OfferedTool,
    input: JsonObject,
    user: ToolUser,
    signal: AbortSignal,
  ): Promise<ToolResult> {
    signal.throwIfAborted();
    const index = this.#servers.findIndex(({ config }) => config.name === name);
    const server = this.#servers[index];
    const isOffered = this.#offeredOf(index).some((each) => each.tool === tool);
    if (server === undefined || !isOffered || !mayUse(server, user)) {
      return failedResult('The tool is not offered any more.');
    }
    return server.call(tool, input, user, signal);
  }

  #offeredOf(index: number): readonly OfferedTool[] {
    const entries = this.#catalogue[index] ?? [];
    return entries.flatMap(({ offered }) => (offered === undefined ? [] : [offered]));
  }

  #offerOf(allowed: readonly number[]): readonly OfferedTool[] {
    const tools = allowed.flatMap((index) => this.#offeredOf(index));
    return Object.freeze(tools.toSorted((a, b) => byBytes(a.name, b.name)));
  }

  /** A name that one server gives up may be another's now, so all of them are looked at. */
  #toolsChanged(index: number): void {
    const before = this.#catalogue;
    const now = catalogueOf(this.#servers.map((server) => listed(server)));
    this.#catalogue = now.map((entries, at) => asBefore(before[at], entries));
    for (const [key, offer] of this.#offers) {
      const allowed = key === '' ? [] : key.split(',').map(Number);
      this.#offers.set(key, sameAs(offer, this.#offerOf(allowed)));
    }
    const server = this.#servers[index];
    if (server !== undefined) this.#account.listChanged(server, this.#catalogue[index] ?? []);
  }

  #snapshotOf(server: ToolServer, index: number): ToolServerSnapshot {
    const { config, link, lastError, userSessionCount } = server;
    const { state, sinceMs, about, list } = link;
    return {
      name: config.name,
      url: shownUrl(config.url),
      state,
      sinceMs,
      lastError,
      protocolVersion: about?.protocolVersion,
      serverInfo: about?.serverInfo,
      groups: config.groups,
      userSessions: userSessionCount,
      isListCut: list.isCut,
      tools: this.#catalogue[index] ?? [],
    };
  }
}

function mayUse({ config: { groups } }: ToolServer, user: ToolUser): boolean {
  return groups === undefined || user.groups.some((group) => groups.includes(group));
}

function listed({ config, link }: ToolServer) {
  const { name, url, toolAllow, toolDeny } = config;
  return { name, url: shownUrl(url), toolAllow, toolDeny, tools: link.list.tools };
}

/** The entries of before, where nothing has become of them. */
function asBefore(
  before: readonly CatalogueEntry[] | undefined,
  now: readonly CatalogueEntry[],
): readonly CatalogueEntry[] {
  return before !== undefined && JSON.stringify(before) === JSON.stringify(now) ? before : now;
}

function sameAs(
  before: readonly OfferedTool[],
  now: readonly OfferedTool[],
): readonly OfferedTool[] {
  const isSame = before.length === now.length && before.every((tool, at) => tool === now[at]);
  return isSame ? before : now;
}

function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
