import { Socket } from 'node:net';
import { Pool } from 'undici';
import type { ProxyAddress } from '../../config/index.ts';
import {
  CONNECTION,
  connectorToProxy,
  directConnector,
  lateProxy,
  proxyFailure,
  refusedByProxy,
  type Connection,
  type Connector,
  type ConnectorOptions,
} from './connector.ts';
import { proxyAuthorization } from './proxy-authorization.ts';
import { UpstreamFailure } from './upstream-failure.ts';

/**
 * Connections to a provider that a proxy opens (CONNECT). What is on them is between
 * bridge and provider, whose certificate has to hold as it has without a proxy.
 */
export class Tunnels {
  readonly #proxy: Pool;
  readonly #secure: Connector;
  readonly #authority: string;

  constructor(
    private readonly address: ProxyAddress,
    target: string,
    private readonly connectMs: number,
  ) {
    const { hostname, port } = new URL(target);
    this.#authority = `${hostname}:${port || '443'}`;
    const connect = connectorToProxy(address.origin, connectMs);
    this.#proxy = new Pool(address.origin, { ...CONNECTION, connect });
    this.#secure = directConnector(connectMs);
  }

  readonly connect: Connector = (options, callback) => {
    void this.#connect(options, callback);
  };

  async close(): Promise<void> {
    await this.#proxy.destroy();
  }

  async #connect(options: ConnectorOptions, callback: Parameters<Connector>[1]): Promise<void> {
    const opened = await this.#open(options).catch(asError);
    if (opened instanceof Error) callback(opened, null);
    else callback(null, opened);
  }

  /** The time to connect is one, however many steps it takes. */
  async #open(options: ConnectorOptions): Promise<Connection> {
    const deadline = AbortSignal.timeout(this.connectMs);
    const httpSocket = await this.#tunnel(deadline);
    // Its own errors are TLS's, too; unheard, one would end the process.
    httpSocket.on('error', () => undefined);
    const hangUp = (): void => {
      httpSocket.destroy();
    };
    deadline.addEventListener('abort', hangUp);
    return new Promise<Connection>((resolve, reject) => {
      // TLS does not always tell that it lost what it stands on; where it does, it knows better why.
      httpSocket.once('close', () => setImmediate(() => reject(this.#lost(deadline))));
      this.#secure({ ...options, httpSocket }, (...[error, socket]) => {
        if (error === null) resolve(socket);
        else reject(deadline.aborted ? this.#lost(deadline) : error);
      });
    }).finally(() => deadline.removeEventListener('abort', hangUp));
  }

  #lost(deadline: AbortSignal): UpstreamFailure {
    const { origin } = this.address;
    if (deadline.aborted) return lateProxy(origin);
    return new UpstreamFailure('unreachable', `the proxy ${origin} closed the connection`);
  }

  async #tunnel(signal: AbortSignal): Promise<Socket> {
    const { origin } = this.address;
    try {
      const { socket, statusCode } = await this.#proxy.connect({
        path: this.#authority,
        headers: {
          host: this.#authority,
          'proxy-connection': 'keep-alive',
          ...proxyAuthorization(this.address),
        },
        signal,
      });
      const isOpen = statusCode >= 200 && statusCode < 300;
      if (isOpen && socket instanceof Socket) return socket;
      socket.on('error', () => undefined).destroy();
      throw refusedByProxy(origin, statusCode);
    } catch (error) {
      throw proxyFailure(origin, asError(error));
    }
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
