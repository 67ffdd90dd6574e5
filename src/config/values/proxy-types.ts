import { isIP } from 'node:net';
import { Secret } from '../../core/secret.ts';
import { CidrList } from './cidr-list.ts';
import { parseUrl } from './url-types.ts';
import type { ValueType } from './value-types.ts';

/** A proxy on the way to providers. */
export interface ProxyAddress {
  /** Without user info, so that it may be shown. */
  readonly origin: string;
  /** `user:password` as RFC 7617 has them. */
  readonly credentials: Secret | undefined;
}

/** As other programs read it, who leave out the scheme as well. */
export const proxyUrl: ValueType<ProxyAddress> = {
  wants:
    'http://host:port or https://host:port of a proxy, with special characters of a user:password@ percent-encoded',
  read: readProxy,
  show: (text) => {
    const proxy = readProxy(text);
    if (proxy === undefined) return 'a text that is not shown';
    return proxy.credentials === undefined ? proxy.origin : proxy.origin.replace('://', '://…@');
  },
};

function readProxy(text: string): ProxyAddress | undefined {
  const url = parseUrl(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  // What follows the authority may be the rest of a password with a `/`, `?` or `#` in it.
  if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined;
  if (`${url.pathname}${url.search}${url.hash}` !== '/' || /[?#]/.test(text)) return undefined;
  try {
    const [user, password] = [url.username, url.password].map(decodeURIComponent);
    const hasUser = user !== '' || password !== '';
    const credentials = hasUser ? new Secret(`${user}:${password}`) : undefined;
    return { origin: url.origin, credentials };
  } catch {
    return undefined;
  }
}

/** Which URLs are reached without a proxy. */
export class NoProxy {
  readonly #entries: readonly Entry[];

  constructor(text: string) {
    this.#entries = text.split(/[\s,]+/).flatMap(entriesOf);
  }

  covers(url: URL): boolean {
    const host = plainHost(url.hostname);
    const port = url.port === '' ? DEFAULT_PORTS[url.protocol] : url.port;
    return this.#entries.some(
      (entry) => (entry.port === undefined || entry.port === port) && entry.hasHost(host),
    );
  }
}

interface Entry {
  readonly hasHost: (host: string) => boolean;
  /** Undefined: any. */
  readonly port: string | undefined;
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/** Shared with other programs, so what means nothing here is passed over. */
export const noProxy: ValueType<NoProxy> = {
  wants: 'hosts separated by commas',
  read: (text) => new NoProxy(text),
};

/**
 * `host` stands for itself and what is below it, with or without a dot or `*.` in front,
 * as curl has it; `*` for everything. An address may be a range. Each may have a port.
 */
function entriesOf(text: string): Entry[] {
  const range = CidrList.parse([text]);
  if (range !== undefined) return [{ hasHost: (host) => range.contains(host), port: undefined }];
  const [, inBrackets, plain = '', port] = /^(?:\[(.*)\]|(.*?))(?::(\d+))?$/.exec(text) ?? [];
  const name = inBrackets ?? plainHost(plain).replace(/^(\*?\.)/, '');
  if (name === '') return [];
  if (name === '*') return [{ hasHost: () => true, port }];
  const address = CidrList.parse([name]);
  const hasHost = (host: string): boolean =>
    address?.contains(host) ?? (host === name || (isIP(host) === 0 && host.endsWith(`.${name}`)));
  return [{ hasHost, port }];
}

function plainHost(host: string): string {
  return host
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
}
