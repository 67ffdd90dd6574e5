import { buildConnector } from 'undici';
import { withoutInterimHeads } from './interim-heads.ts';

/** Opens the connections to a provider. */
export function directConnector(connectMs: number): buildConnector.connector {
  return skippingInterimHeads(buildConnector({ timeout: connectMs, allowH2: false }));
}

export function skippingInterimHeads(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    connect(options, (...[error, socket]) => {
      if (error === null) callback(null, withoutInterimHeads(socket));
      else callback(error, null);
    });
  };
}
