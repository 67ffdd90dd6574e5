import type { ProxyAddress } from '../../config/index.ts';
import { connectorToProxy, directConnector, refusedByProxy, type Connector } from './connector.ts';
import { proxyAuthorization } from './proxy-authorization.ts';
import { Tunnels } from './tunnels.ts';
import type { Answer, RawHeaders } from './upstream-call.ts';

/** How a request gets from here to a provider. */
export interface WayToProvider {
  /** Where connections go. */
  readonly origin: string;
  readonly connect: Connector;
  /** The path as it stands in the request line. */
  path(path: string): string;
  /** What is added to every request. */
  readonly headers: RawHeaders;
  /** Rejects for an answer that is not the provider's. */
  checked(answer: Promise<Answer>): Promise<Answer>;
  close(): Promise<void>;
}

/** As curl goes it: by CONNECT to what is encrypted; anything else the proxy asks in our place. */
export function wayToProvider(
  origin: string,
  proxy: ProxyAddress | undefined,
  connectMs: number,
): WayToProvider {
  if (proxy === undefined) return { ...STRAIGHT, origin, connect: directConnector(connectMs) };
  if (origin.startsWith('http:')) return byForwardProxy(origin, proxy, connectMs);
  const tunnels = new Tunnels(proxy, origin, connectMs);
  return { ...STRAIGHT, origin, connect: tunnels.connect, close: () => tunnels.close() };
}

const STRAIGHT: Omit<WayToProvider, 'origin' | 'connect'> = {
  path: (path) => path,
  headers: [],
  checked: (answer) => answer,
  close: () => Promise.resolve(),
};

function byForwardProxy(origin: string, proxy: ProxyAddress, connectMs: number): WayToProvider {
  return {
    ...STRAIGHT,
    origin: proxy.origin,
    connect: connectorToProxy(proxy.origin, connectMs),
    path: (path) => `${origin}${path}`,
    headers: ['host', new URL(origin).host, ...Object.entries(proxyAuthorization(proxy)).flat()],
    // Any other refusal of the proxy looks like the provider's.
    async checked(answer) {
      const { status, body } = await answer;
      if (status !== 407) return answer;
      body.cancel();
      throw refusedByProxy(proxy.origin, status);
    },
  };
}
