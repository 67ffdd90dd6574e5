import { describe, expect, it } from 'vitest';
import { noProxy, proxyUrl } from './proxy-types.ts';

function read(text: string): [origin: string | undefined, credentials: string | undefined] {
  const proxy = proxyUrl.read(text);
  return [proxy?.origin, proxy?.credentials?.reveal()];
}

function covers(list: string, url: string): boolean | undefined {
  return noProxy.read(list)?.covers(new URL(url));
}

describe('a proxy', () => {
  it.each([
    ['http://proxy.corp:3128', 'http://proxy.corp:3128', undefined],
    ['http://proxy.corp:3128/', 'http://proxy.corp:3128', undefined],
    ['https://proxy.corp', 'https://proxy.corp', undefined],
    ['proxy.corp:3128', 'http://proxy.corp:3128', undefined],
    ['http://[::1]:3128', 'http://[::1]:3128', undefined],
    ['http://bridge:s3cret@proxy.corp:3128', 'http://proxy.corp:3128', 'bridge:s3cret'],
    ['bridge:s3cret@proxy.corp:3128', 'http://proxy.corp:3128', 'bridge:s3cret'],
    ['http://bridge@proxy.corp:3128', 'http://proxy.corp:3128', 'bridge:'],
    ['http://b%40corp:s%2Fcr%C3%A9t%3A@proxy:1', 'http://proxy:1', 'b@corp:s/crét:'],
  ])('%s is read', (text, origin, credentials) => {
    expect(read(text)).toEqual([origin, credentials]);
  });

  // Protects a password: where it is cut by one of its own characters, no part of it is shown.
  it.each([
    'socks5://proxy.corp:1080',
    'http://proxy.corp/pac',
    'http://bridge:s3/cret@proxy.corp',
    'http://bridge:s3#cret@proxy.corp',
    'http://bridge:s3?cret@proxy.corp',
    'http://bridge:s3%cret@proxy.corp',
    'http://bridge:s3%ffcret@proxy.corp',
    'http://bridge:s3cret',
    'http://proxy corp',
    'http://',
  ])('%s is refused and not shown', (text) => {
    expect(proxyUrl.read(text)).toBeUndefined();
    expect(proxyUrl.show?.(text)).toBe('a text that is not shown');
  });

  it('is shown without its credentials', () => {
    expect(proxyUrl.show?.('bridge:s3cret@proxy:3128')).toBe('http://…@proxy:3128');
    expect(proxyUrl.show?.('proxy:3128')).toBe('http://proxy:3128');
  });
});

describe('no proxy', () => {
  it.each([
    ['*', 'https://api.anthropic.com'],
    ['none.invalid, *', 'https://api.anthropic.com'],
    ['anthropic.com', 'https://anthropic.com'],
    ['anthropic.com', 'https://api.anthropic.com'],
    ['.anthropic.com', 'https://api.anthropic.com'],
    ['.anthropic.com', 'https://anthropic.com'],
    ['*.anthropic.com', 'https://api.anthropic.com'],
    ['API.Anthropic.COM.', 'https://api.anthropic.com'],
    ['api.anthropic.com', 'https://api.anthropic.com.'],
    ['api.anthropic.com:443', 'https://api.anthropic.com'],
    ['gateway:8080', 'http://gateway:8080'],
    ['*:8080', 'http://gateway:8080'],
    ['a.invalid b.invalid,,gateway', 'http://gateway'],
    ['127.0.0.1', 'http://127.0.0.1:4500'],
    ['127.0.0.1:4500', 'http://127.0.0.1:4500'],
    ['10.0.0.0/8', 'http://10.1.2.3'],
    ['::1', 'http://[::1]:4500'],
    ['[::1]', 'http://[::1]:4500'],
    ['[0:0:0:0:0:0:0:1]:4500', 'http://[::1]:4500'],
  ])('%s covers %s', (list, url) => {
    expect(covers(list, url)).toBe(true);
  });

  it.each([
    ['', 'http://localhost:4500'],
    ['.', 'http://localhost:4500'],
    ['thropic.com', 'https://api.anthropic.com'],
    ['api.anthropic.com', 'https://anthropic.com'],
    ['anthropic.com', 'https://anthropic.com.evil'],
    ['anthropic.com:80', 'https://anthropic.com'],
    ['api.anthropic.com:443', 'https://api.anthropic.com:8443'],
    ['localhost', 'http://127.0.0.1:4500'],
    ['0.0.1', 'http://127.0.0.1:4500'],
    ['127.0.0.1:80', 'http://127.0.0.1:4500'],
    ['10.0.0.0/33', 'http://10.0.0.1'],
    ['[::1]:80', 'http://[::1]:4500'],
  ])('%s does not cover %s', (list, url) => {
    expect(covers(list, url)).toBe(false);
  });
});
