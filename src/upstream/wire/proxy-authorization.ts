import type { ProxyAddress } from '../../config/index.ts';

/** RFC 7617. The only place where the credentials of a proxy become a header. */
export function proxyAuthorization({ credentials }: ProxyAddress): Record<string, string> {
  if (credentials === undefined) return {};
  const text = Buffer.from(credentials.reveal()).toString('base64');
  return { 'proxy-authorization': `Basic ${text}` };
}
