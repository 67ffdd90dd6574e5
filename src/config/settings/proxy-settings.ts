import { optional } from './setting.ts';
import { noProxy, proxyUrl } from '../values/proxy-types.ts';

/** Named and spelled as other programs have them. */
export const PROXY = {
  https: optional('HTTPS_PROXY', {
    type: proxyUrl,
    alias: 'https_proxy',
    meaning: 'proxy to providers at `https:`, reached by CONNECT: `http://user:password@host:port`',
  }),
  http: optional('HTTP_PROXY', {
    type: proxyUrl,
    alias: 'http_proxy',
    meaning: 'proxy to providers at `http:`, which is asked for whole URLs',
  }),
  none: optional('NO_PROXY', {
    type: noProxy,
    alias: 'no_proxy',
    meaning:
      'hosts reached without a proxy, separated by commas: names with all below them, addresses, ranges, each with `:port` or not; `*` for all. Loopback is no exception',
  }),
};
