import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface ProxyRules {
  /** `user:password`; who shows something else gets 407. */
  readonly credentials?: string;
  /** What it answers instead of doing what it is asked. */
  readonly status?: number;
  /** Takes the request and says nothing. */
  readonly isSilent?: boolean;
}

/** An HTTP proxy as an organisation has it: tunnels for CONNECT, and whole URLs asked in the caller's place. */
export class ConnectProxy {
  /** `CONNECT host:port` or `POST http://host:port/path`, refused ones included. */
  readonly asked: string[] = [];
  rules: ProxyRules = {};
  readonly #server = createServer();
  readonly #sockets = new Set<Socket>();

  static async start(rules: ProxyRules = {}): Promise<ConnectProxy> {
    const proxy = new ConnectProxy();
    proxy.rules = rules;
    proxy.#server
      .on('connection', (socket: Socket) => proxy.#keep(socket))
      .on('connect', (req: IncomingMessage, socket: Socket) => proxy.#tunnel(req, socket))
      .on('request', (req, res) => proxy.#forward(req, res))
      .listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get host(): string {
    const address = this.#server.address();
    return `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  /** Whoever is connected loses the connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  #tunnel(req: IncomingMessage, near: Socket): void {
    this.asked.push(`CONNECT ${req.url}`);
    if (this.rules.isSilent === true) return;
    const refusal = this.#refusal(req);
    if (refusal !== undefined) {
      near.end(`HTTP/1.1 ${refusal} x\r\ncontent-length: 6\r\n\r\nproxy!`);
      return;
    }
    const { hostname, port } = new URL(`http://${req.url}`);
    const far = connect(Number(port || 80), hostname);
    this.#keep(far);
    far.once('connect', () => {
      near.write('HTTP/1.1 200 Connection established\r\n\r\n');
      near.pipe(far).pipe(near);
    });
    far.on('close', () => near.destroy());
    near.on('close', () => far.destroy());
  }

  #forward(req: IncomingMessage, res: ServerResponse): void {
    this.asked.push(`${req.method} ${req.url}`);
    if (this.rules.isSilent === true) return;
    const refusal = this.#refusal(req);
    if (refusal !== undefined) {
      res.writeHead(refusal).end('proxy!');
      return;
    }
    const { 'proxy-authorization': _, ...headers } = req.headers;
    const onward = request(req.url ?? '', { method: req.method, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(res);
    });
    onward.on('error', () => res.destroy());
    req.pipe(onward);
  }

  #refusal({ headers }: IncomingMessage): number | undefined {
    const { credentials, status } = this.rules;
    if (credentials !== undefined) {
      const wanted = `Basic ${Buffer.from(credentials).toString('base64')}`;
      if (headers['proxy-authorization'] !== wanted) return 407;
    }
    return status;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
  }
}
