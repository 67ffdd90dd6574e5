import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

const POSTGRES_PORT = 5432;

/** A way to a server that can be cut: open connections end, and new ones are refused until it is mended. Or frozen. */
export class CuttableProxy {
  #target: URL;
  readonly #sockets = new Set<Socket>();
  #server: Server;
  #port = 0;

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = this.#newServer();
  }

  static async start(target: string): Promise<CuttableProxy> {
    const proxy = new CuttableProxy(target);
    await proxy.mend();
    return proxy;
  }

  /** The target's address by this way. */
  get url(): string {
    const url = new URL(this.#target);
    url.host = `127.0.0.1:${this.#port}`;
    return url.href;
  }

  async cut(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  async mend(): Promise<void> {
    this.#server = this.#newServer().listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
  }

  /** Whoever connects from now on gets to another server. */
  turnTo(target: string): void {
    this.#target = new URL(target);
  }

  /** What is connected hears nothing any more, and is not told why. */
  freeze(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  #newServer(): Server {
    return createServer((near) => {
      const far = connect(Number(this.#target.port || POSTGRES_PORT), this.#target.hostname);
      near.pipe(far).pipe(near);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        one.on('error', () => other.destroy());
        one.on('close', () => {
          this.#sockets.delete(one);
          other.destroy();
        });
      }
    });
  }
}
