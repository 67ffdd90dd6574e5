import { buildConnector } from 'undici';
import { errorText } from '../../core/errors.ts';
import { withoutInterimHeads } from './interim-heads.ts';
import { failureOf, UpstreamFailure } from './upstream-failure.ts';

export type Connector = buildConnector.connector;
export type ConnectorOptions = buildConnector.Options;
export type Connection = Extract<Parameters<buildConnector.Callback>, [null, unknown]>[1];

/** What undici is to keep to on every connection, be it to a provider or to a proxy. */
export const CONNECTION = {
  // One request a connection at a time: an answer never waits behind another one.
  pipelining: 1,
  allowH2: false,
  // `UpstreamCall` keeps the time, because only it knows who is waiting for whom.
  headersTimeout: 0,
  bodyTimeout: 0,
  maxHeaderSize: 128 * 1024,
} as const;

export function directConnector(connectMs: number): Connector {
  const connect = buildConnector({ timeout: connectMs, allowH2: false });
  return (options, callback) => {
    connect(options, (...[error, socket]) => {
      if (error === null) callback(null, withoutInterimHeads(socket));
      else callback(error, null);
    });
  };
}

/** To the proxy itself. What goes wrong there says so. */
export function connectorToProxy(proxyOrigin: string, connectMs: number): Connector {
  const connect = directConnector(connectMs);
  return (options, callback) => {
    // The name that undici would ask a certificate for is the provider's.
    connect({ ...options, servername: '' }, (...[error, socket]) => {
      if (error === null) callback(null, socket);
      else callback(proxyFailure(proxyOrigin, error), null);
    });
  };
}

export function refusedByProxy(proxyOrigin: string, status: number): UpstreamFailure {
  const why = status === 407 ? ': it does not take the credentials' : '';
  return new UpstreamFailure('unreachable', `the proxy ${proxyOrigin} answered ${status}${why}`);
}

export function lateProxy(proxyOrigin: string, cause?: unknown): UpstreamFailure {
  const message = `connecting by the proxy ${proxyOrigin} took too long`;
  return new UpstreamFailure('timeout', message, cause);
}

/** An error of another kind than undici's own, after some of which it would connect again and again. */
export function proxyFailure(proxyOrigin: string, error: Error): UpstreamFailure {
  if (error instanceof UpstreamFailure) return error;
  const { kind } = failureOf(error, 'none');
  if (kind === 'timeout' || error.name === 'TimeoutError') return lateProxy(proxyOrigin, error);
  const message = `the proxy ${proxyOrigin} opened no connection: ${errorText(error)}`;
  return new UpstreamFailure('unreachable', message, error);
}
