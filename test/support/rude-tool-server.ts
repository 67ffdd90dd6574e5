import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

/** A message of the protocol, as far as these tests look at it. */
export interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

export interface Exchange {
  readonly message: Message;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/** Undefined: what a server of good manners does. */
export type Rudeness = (exchange: Exchange) => unknown;

const VERSION = '2025-06-18';
const TOOL = { name: 'tool', description: 'A tool.', inputSchema: { type: 'object' } };

/** A server of tools written by hand, which does to each method what a test says. */
export class RudeToolServer {
  readonly seen: { readonly method: string; readonly message: Message }[] = [];
  readonly #server: Server;
  readonly #habits = new Map<string, Rudeness>();
  readonly #waiting = new Set<() => void>();

  private constructor() {
    this.#server = createServer((req, res) => {
      this.#handle(req, res).catch(() => res.destroy());
    });
  }

  static async start(): Promise<RudeToolServer> {
    const server = new RudeToolServer();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('it does not listen');
    return `http://127.0.0.1:${address.port}/mcp`;
  }

  /** From now on to requests of a method of the protocol, or to all GET or DELETE. */
  on(method: string, habit: Rudeness): this {
    this.#habits.set(method, habit);
    return this;
  }

  count(method: string): number {
    return this.seen.filter((each) => each.method === method).length;
  }

  async waitFor(method: string, times = 1): Promise<void> {
    while (this.count(method) < times) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await text(req);
    const message: Message = body === '' ? {} : JSON.parse(body);
    const method = message.method ?? req.method ?? '';
    this.seen.push({ method, message });
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
    const habit = this.#habits.get(method) ?? GOOD_MANNERS[method];
    if (habit === undefined) res.writeHead(method.startsWith('notifications/') ? 202 : 405).end();
    else await habit({ message, req, res });
  }
}

export function answer({ message: { id }, res }: Exchange, result: unknown): void {
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
}

/** Begins a stream of events. */
export function events({ res }: Exchange): ServerResponse {
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  res.flushHeaders();
  return res;
}

const GOOD_MANNERS: Readonly<Record<string, Rudeness>> = {
  initialize: (exchange) => {
    exchange.res.setHeader('mcp-session-id', 'the-session');
    answer(exchange, {
      protocolVersion: VERSION,
      capabilities: { tools: {} },
      serverInfo: { name: 'rude', version: '1' },
    });
  },
  ping: (exchange) => answer(exchange, {}),
  'tools/list': (exchange) => answer(exchange, { tools: [TOOL] }),
  'tools/call': (exchange) => answer(exchange, { content: [{ type: 'text', text: 'done' }] }),
  DELETE: ({ res }) => res.writeHead(204).end(),
};
