import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http';
import { buffer } from 'node:stream/consumers';
import {
  createMcpHandler,
  Server,
  WebStandardStreamableHTTPServerTransport,
  type ListToolsResult,
} from '@modelcontextprotocol/server';
import { ToolCall } from './tool-call.ts';
import { STANDARD_TOOLS, type Tool } from './tools.ts';

export interface ToolServerOptions {
  readonly name?: string;
  /** What `standard` tools there are when absent. */
  readonly tools?: readonly Tool[];
  /** 0: a free one. */
  readonly port?: number;
  /** Answers as plain JSON instead of events. */
  readonly json?: boolean;
  /** Without: no session ids, no `tools/list_changed`. */
  readonly sessions?: boolean;
  /** Speaks nothing older than version 2026-07-28 of the protocol, which has no sessions. */
  readonly newest?: boolean;
  /** How many tools a page of the list has; all of them when absent. */
  readonly pageLength?: number;
}

/** A request as it came, for tests that look at what goes over the wire. */
export interface SeenRequest {
  readonly method: string;
  /** Of the JSON-RPC message, if there is one. */
  readonly rpcMethod: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

interface Session {
  readonly server: Server;
  readonly transport: WebStandardStreamableHTTPServerTransport;
}

interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/** A server of tools by the official SDK, on a real socket, whose tools a test writes and whose calls it reads. */
export class ToolServer {
  readonly calls: ToolCall[] = [];
  readonly requests: SeenRequest[] = [];
  readonly #options: ToolServerOptions;
  readonly #tools: Map<string, Tool>;
  readonly #sessions = new Map<string, Session>();
  readonly #exchange = new AsyncLocalStorage<Exchange>();
  readonly #waiting = new Set<() => void>();
  readonly #http: HttpServer;
  readonly #newest = createMcpHandler(() => this.#newServer(), { legacy: 'reject' });

  private constructor(options: ToolServerOptions) {
    this.#options = options;
    this.#tools = new Map((options.tools ?? STANDARD_TOOLS).map((tool) => [tool.name, tool]));
    // Of a process that stood still a connection may look idle on which a call has come.
    this.#http = createServer({ keepAliveTimeout: 0 }, (req, res) => {
      this.#handle({ req, res }).catch(() => res.destroy());
    });
  }

  static async start(options: ToolServerOptions = {}): Promise<ToolServer> {
    const server = new ToolServer(options);
    server.#http.listen(options.port ?? 0, '127.0.0.1');
    await once(server.#http, 'listening');
    return server;
  }

  get port(): number {
    const address = this.#http.address();
    if (typeof address !== 'object' || address === null) throw new Error('it does not listen');
    return address.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/mcp`;
  }

  /** How many sessions there are. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Adds tools, or other ones of the same names, and tells every session. */
  async add(...tools: readonly Tool[]): Promise<void> {
    for (const tool of tools) this.#tools.set(tool.name, tool);
    await this.#tellListChanged();
  }

  async remove(...names: readonly string[]): Promise<void> {
    for (const name of names) this.#tools.delete(name);
    await this.#tellListChanged();
  }

  /** Knows nobody any more, as after a restart: whoever comes with a session gets 404. */
  async forgetSessions(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.all(sessions.map(({ server }) => server.close()));
  }

  /** The first call, made already or to come, that fits. */
  waitForCall(fits: (call: ToolCall) => boolean = () => true): Promise<ToolCall> {
    return this.#found(() => this.calls.find(fits));
  }

  /** The first request, made already or to come, that fits. */
  waitForRequest(fits: (request: SeenRequest) => boolean): Promise<SeenRequest> {
    return this.#found(() => this.requests.find(fits));
  }

  async close(): Promise<void> {
    if (!this.#http.listening) return;
    await Promise.all([this.forgetSessions(), this.#newest.close()]);
    const closed = once(this.#http, 'close');
    this.#http.close();
    this.#http.closeAllConnections();
    await closed;
  }

  async #found<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  async #tellListChanged(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#newest.notify.toolsChanged();
    await Promise.all(sessions.map(({ server }) => server.sendToolListChanged()));
  }

  async #handle(exchange: Exchange): Promise<void> {
    const { req, res } = exchange;
    const body = await buffer(req);
    this.requests.push({
      method: req.method ?? '',
      rpcMethod: rpcMethodOf(body),
      headers: req.headers,
    });
    this.#wake();
    const gone = new AbortController();
    res.once('close', () => gone.abort());
    const request = new Request(new URL(req.url ?? '/', this.url), {
      signal: gone.signal,
      method: req.method ?? 'GET',
      headers: Object.entries(req.headers).map(([name, value]) => [name, String(value)]),
      ...(body.length > 0 && { body }),
    });
    await this.#exchange.run(exchange, async () => {
      const response = await this.#respond(request, req);
      await send(response, res);
    });
  }

  async #respond(request: Request, req: IncomingMessage): Promise<Response> {
    if (this.#options.newest === true) return this.#newest.fetch(request);
    const transport = await this.#transportFor(req);
    return (
      transport?.handleRequest(request) ??
      Response.json({ error: 'Session not found' }, { status: 404 })
    );
  }

  /** Undefined: the session is not known. */
  async #transportFor(req: IncomingMessage) {
    const id = req.headers['mcp-session-id'];
    if (id !== undefined) return this.#sessions.get(String(id))?.transport;
    const { sessions = true, json = false } = this.#options;
    const server = this.#newServer();
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: sessions ? randomUUID : undefined,
      enableJsonResponse: json,
      onsessioninitialized: (newId) => void this.#sessions.set(newId, { server, transport }),
      onsessionclosed: (oldId) => void this.#sessions.delete(oldId),
    });
    await server.connect(transport);
    return transport;
  }

  #newServer(): Server {
    const { name = 'simulated', sessions = true } = this.#options;
    const server = new Server(
      { name, version: '1.0.0' },
      { capabilities: { tools: { listChanged: sessions } } },
    );
    server.setRequestHandler('tools/list', ({ params }) => this.#page(Number(params?.cursor ?? 0)));
    server.setRequestHandler('tools/call', async ({ params }, { mcpReq }) => {
      const tool = this.#tools.get(params.name);
      if (tool === undefined) throw new Error(`there is no tool ${params.name}`);
      const call = this.#noteCall(params.name, params.arguments ?? {});
      mcpReq.signal.addEventListener('abort', () => call.noteCancelled());
      return tool.run(call);
    });
    return server;
  }

  #page(from: number): ListToolsResult {
    const { pageLength = Infinity } = this.#options;
    const tools = [...this.#tools.values()];
    const upTo = from + pageLength;
    return {
      tools: tools.slice(from, upTo).map(({ name, description, inputSchema }) => ({
        name,
        ...(description !== undefined && { description }),
        inputSchema: { type: 'object', ...inputSchema },
      })),
      ...(upTo < tools.length && { nextCursor: String(upTo) }),
    };
  }

  #noteCall(tool: string, input: Readonly<Record<string, unknown>>): ToolCall {
    const exchange = this.#exchange.getStore();
    if (exchange === undefined) throw new Error('a call comes by a request');
    const { req, res } = exchange;
    const disconnect = (): void => void req.socket.destroy();
    const call = new ToolCall({ tool, input, headers: req.headers, disconnect });
    res.once('close', () => {
      if (!res.writableFinished) call.noteAbandoned();
    });
    this.calls.push(call);
    this.#wake();
    return call;
  }
}

async function send(response: Response, res: ServerResponse): Promise<void> {
  res.writeHead(response.status, Object.fromEntries(response.headers));
  res.flushHeaders();
  const reader = response.body?.getReader();
  res.once('close', () => void reader?.cancel().catch(() => undefined));
  for (let step = await reader?.read(); step?.done === false; step = await reader?.read()) {
    if (!res.write(step.value)) await Promise.race([once(res, 'drain'), once(res, 'close')]);
  }
  res.end();
}

function rpcMethodOf(body: Buffer): string | undefined {
  if (body.length === 0) return undefined;
  const message: unknown = JSON.parse(body.toString());
  const method = Object(message).method;
  return typeof method === 'string' ? method : undefined;
}
