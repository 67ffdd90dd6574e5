import { PROXY } from '../settings/proxy-settings.ts';
import type { ProxyAddress } from '../values/proxy-types.ts';
import type { SettingsReader } from './settings-reader.ts';

/** Tells by which proxy a base URL is reached. */
export function readProxies(reader: SettingsReader): (baseUrl: string) => ProxyAddress | undefined {
  const https = reader.read(PROXY.https);
  const http = reader.read(PROXY.http);
  const none = reader.read(PROXY.none);
  return (baseUrl) => {
    const url = new URL(baseUrl);
    if (none?.covers(url) === true) return undefined;
    return url.protocol === 'https:' ? https : http;
  };
}
