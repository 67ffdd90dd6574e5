import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** What a provider does on a connection once a request is there. */
export type Misdeed = (socket: Socket) => void;

/** A provider that keeps to nothing: it is handed the bare connection of each request. */
export class RawProvider {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #misdeed: Misdeed = (socket) => socket.destroy();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
      // Requests of these tests are small: the first bytes are the whole of one.
      socket.once('data', () => this.#misdeed(socket));
      socket.resume();
    });
  }

  static async start(): Promise<RawProvider> {
    const server = createServer();
    const provider = new RawProvider(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return provider;
  }

  get url(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('it does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  does(misdeed: Misdeed): void {
    this.#misdeed = misdeed;
  }

  /** Connections that the other side has not given up. */
  get openConnections(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Says something, and the rest again and again for as long as anybody listens. */
export function forEver(first: string, again: Buffer | string, everyMs: number): Misdeed {
  return (socket) => {
    socket.write(first);
    const timer = setInterval(() => socket.write(again), everyMs);
    socket.on('close', () => clearInterval(timer));
  };
}

/** Says something, and so many bytes of the rest as fast as they are taken. */
export function flood(first: string, again: Buffer, bytes = Infinity): Misdeed {
  return (socket) => {
    socket.write(first);
    let left = bytes;
    const pour = (): void => {
      while (left > 0 && !socket.destroyed) {
        const part = left < again.length ? again.subarray(0, left) : again;
        left -= part.length;
        if (!socket.write(part)) return;
      }
      if (left === 0) socket.end();
    };
    socket.on('drain', pour);
    pour();
  };
}
