import { Secret } from '../../core/secret.ts';
import type { ValueType } from './value-types.ts';

/** Normalised: no trailing slash, so that a route is appended as it is. */
export const baseUrl: ValueType<string> = {
  wants: 'an absolute http or https URL without query, fragment or user info',
  read: (text) => {
    const url = httpUrl(text);
    return url === undefined || /[?#]/.test(text)
      ? undefined
      : `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  },
  show: withoutCredentials,
};

/** May have a query, which may hold a credential and is therefore never shown. */
export const endpointUrl: ValueType<string> = {
  wants: 'an absolute http or https URL without fragment or user info',
  read: (text) => (text.includes('#') ? undefined : httpUrl(text)?.href),
  show: withoutCredentials,
};

/**
 * An unescaped `@`, `#`, `/` or `?` in a password moves the rest of it into a part
 * of the URL that is shown and connected to, so such a URL is refused.
 */
export const databaseUrl: ValueType<Secret> = {
  wants:
    'postgresql://user:password@host:port/database, with special characters of the password percent-encoded',
  read: (text) => {
    const url = parseUrl(text);
    const isPostgres = url?.protocol === 'postgresql:' || url?.protocol === 'postgres:';
    if (!isPostgres || url.hash !== '' || `${url.pathname}${url.search}`.includes('@')) {
      return undefined;
    }
    return new Secret(text);
  },
  show: withoutCredentials,
};

function httpUrl(text: string): URL | undefined {
  const url = parseUrl(text);
  const isHttp = /^https?:\/\//i.test(text) && url !== undefined;
  return isHttp && url.username === '' && url.password === '' ? url : undefined;
}

/** The URL parser drops white space and accepts a stray `%`; a setting with either is a typing error. */
export function parseUrl(text: string): URL | undefined {
  if (/[\s\\]|%(?![0-9a-f]{2})/i.test(text)) return undefined;
  return URL.parse(text) ?? undefined;
}

/** Works on any text, because what is no URL may still hold a password. */
function withoutCredentials(text: string): string {
  const scheme = /^[a-z]+:\/\//i.exec(text)?.[0] ?? '';
  const afterUserInfo = text.includes('@') ? `…${text.slice(text.lastIndexOf('@'))}` : undefined;
  const shown = afterUserInfo === undefined ? text : `${scheme}${afterUserInfo}`;
  return shown.replace(/[?#].*$/s, '?…');
}
